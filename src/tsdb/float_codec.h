// SPDX-License-Identifier: Apache-2.0
/// Private to the room: doubles as scaled integers where that gives back the same bits, else as XORs of
/// neighbours. Pure.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "tsdb/byte_code.h"
#include "tsdb/sample_columns.h"

namespace gpuscale::tsdb {

void encode_floats(std::string& out, std::span<const double> values);
/// Appends `count` values to `out`. False where the bytes are malformed.
bool decode_floats(ByteReader& reader, std::size_t count, std::vector<double>& out);
/// Appends those of them at `rows`; what lies behind them is left unread.
bool decode_floats_at(ByteReader& reader, std::size_t count, RowRange rows, std::vector<double>& out);

}  // namespace gpuscale::tsdb
