// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a settled ColumnBlock as bytes and back. Pure. The grammar is in
/// docs/storage-format.md.
#pragma once
#include <string>
#include <string_view>

#include "tsdb/column_block.h"

namespace gpuscale::tsdb {

std::string encode_block(const ColumnBlock& block);
/// Errors: kCorrupt. Any bytes may be given.
Result<ColumnBlock> decode_block(std::string_view bytes);

}  // namespace gpuscale::tsdb
