// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the batches of one commit as one entry of the log: each with its length before it,
/// all of them in one zstd frame. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gpuscale::tsdb {

std::string encode_log_entry(const std::vector<std::string_view>& batches);
/// Errors: kCorrupt. Any bytes may be given.
Result<std::vector<std::string>> decode_log_entry(std::string_view entry);

}  // namespace gpuscale::tsdb
