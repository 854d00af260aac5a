// SPDX-License-Identifier: Apache-2.0
/// Keeps the agent small: gives back the pages of program text and read-only data that only the start needed.
#pragma once
#include <cstddef>
#include <string_view>

namespace gpuscale::agent {

/// One mapping as /proc/PID/smaps tells of it.
struct Mapping {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_file = false;
  bool is_writable = false;
  bool is_dirty = false;  ///< holds pages of our own, as relocated tables do: dropping those would lose them
};
/// "7f..-7f.. r-xp 00000000 fd:00 123 /usr/lib/x.so": the head of a mapping; false for the lines below it.
/// Pure.
bool parse_mapping_head(std::string_view line, Mapping& mapping);
/// Takes one of the lines below a head into account. Pure.
void read_mapping_detail(std::string_view line, Mapping& mapping);

/// Drops the clean pages of files that nothing writes to from this process' resident set, and free heap. What
/// is used again comes back from the page cache, at a minor fault each. Any thread, at any time; costs a few
/// milliseconds. A failure changes nothing.
void release_idle_pages();

}  // namespace gpuscale::agent
