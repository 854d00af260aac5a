// SPDX-License-Identifier: Apache-2.0
/// Private to the room: runs of doubles, bit-exact. Telemetry is mostly short decimals (97.5, 333.25), which
/// are small integers once scaled; what is not is written as XORs of neighbours (Gorilla, VLDB 2015,
/// section 4.1.2).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tsdb/byte_code.h"

namespace gpuscale::tsdb {

/// Appends the bits of the doubles in whichever form is shorter.
void encode_floats(std::string& out, const std::vector<std::uint64_t>& bits);
/// @return false on malformed bytes.
bool decode_floats(ByteReader& reader, std::size_t count, std::vector<std::uint64_t>& bits);

}  // namespace gpuscale::tsdb
