// SPDX-License-Identifier: Apache-2.0
/// The sampler process: it alone speaks to the driver. The supervisor starts it with a socket on descriptor 3
/// and the shared memory on descriptor 4.
#pragma once
#include <string>

#include "base/time.h"
#include "log/log.h"

namespace gpuscale::agent {

inline constexpr int kChildSocket = 3;
inline constexpr int kChildMemory = 4;
/// The word by which main() knows that it is the sampler process; then the source, the log's level and
/// format.
inline constexpr const char* kSamplerWord = "agent-sampler";
inline constexpr char kAsk = 'r';     ///< supervisor: read now
inline constexpr char kAnswer = 'a';  ///< sampler: read, or failed; see the record
/// Of a sampler whose source failed: a fresh process may find it mended (EX_TEMPFAIL).
inline constexpr int kExitTrySoon = 75;
/// Of one that gave a device back to the driver: a fresh process must not open it at once.
inline constexpr int kExitGaveWay = 76;

/// Reads `source` whenever asked, glances at it in between, and ends when the supervisor does, on SIGTERM, or
/// when the source fails; never in the middle of a call into the driver. @return the process' exit code.
int run_sampler_child(const std::string& source, const Clock& clock, const log::Log& log);

/// main() of the sampler process: `arguments` are those after kSamplerWord.
int sampler_main(int count, char** arguments);

}  // namespace gpuscale::agent
