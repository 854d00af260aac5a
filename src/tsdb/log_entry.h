// SPDX-License-Identifier: Apache-2.0
/// Private to the room: an entry of the log in the table that files of earlier versions hold it in: the
/// batches of one commit, each with its length before it, in one zstd frame. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::tsdb {

/// The batches, as each_batch() takes them. Errors: kCorrupt. Any bytes may be given.
Result<std::string> decode_log_entry(std::string_view entry);

}  // namespace gpuscale::tsdb
