// SPDX-License-Identifier: Apache-2.0
/// Private to the room: work that may need much memory at once, and is done later or not at all without it.
#pragma once
#include <new>

#include "base/result.h"

namespace gpuscale::tsdb {

/// What `work` returns, a Result<void>; there the lack of memory is an error, kExhausted, and not the end of
/// the process.
template <typename Work>
Result<void> within_memory(const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(Errc::kExhausted, "out of memory");
  }
}

}  // namespace gpuscale::tsdb
