// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the numbers of line protocol, as fast as the text allows. All take [first, last) and
/// never look beyond `last`.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "metrics/point.h"

namespace gpuscale::metrics {

/// Reads "12", "-1.5", "7i" into `value` when at most 18 digits make it exact (Clinger's fast case). @return
/// where the number ends; nullptr for every other text, which is then read by the exact rules.
const char* quick_number(const char* first, const char* last, FieldValueView& value);

/// Reads "-?[0-9]{1,18}"; nothing for every other text.
std::optional<std::int64_t> quick_integer(std::string_view text);

/// The double nearest to a decimal text; nothing where it is malformed or beyond double's range. Too small is
/// 0.
std::optional<double> exact_double(std::string_view text);

}  // namespace gpuscale::metrics
