// SPDX-License-Identifier: Apache-2.0
/// Where the server takes the memory of C++ objects from: mimalloc, where Debian's libmimalloc2.0 is
/// installed. Writes and answers are ten thousands of small pieces, and glibc took a quarter of the server's
/// time for them (measured with 64 agents: 50 us a request, 39 with mimalloc). Agents, which must stay small,
/// and C libraries keep glibc's. Builds under a sanitizer have its own.
#pragma once
#include <string_view>

namespace gpuscale::cli {

/// From here on and for good; what was taken before goes back where it came from. Call it before there are
/// other threads; a second call changes nothing. @return "mimalloc" or "glibc", for the log.
std::string_view choose_server_memory();

}  // namespace gpuscale::cli
