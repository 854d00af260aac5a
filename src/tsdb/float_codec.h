// SPDX-License-Identifier: Apache-2.0
/// Private to the room: doubles as scaled integers where that gives back the same bits, else as XORs of
/// neighbours. Pure.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "tsdb/byte_code.h"

namespace gpuscale::tsdb {

void encode_floats(std::string& out, std::span<const double> values);
/// Appends `count` values to `out`. False where the bytes are malformed.
bool decode_floats(ByteReader& reader, std::size_t count, std::vector<double>& out);

}  // namespace gpuscale::tsdb
