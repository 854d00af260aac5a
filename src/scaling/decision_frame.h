// SPDX-License-Identifier: Apache-2.0
/// Bytes packed by zstd, with a checksum. Packed after an earlier text (`prefix`) they cost what differs from
/// it. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::scaling {

std::string pack(std::string_view plain, std::string_view prefix = {});
/// `prefix` as it was given to pack(). Errors: kCorrupt.
Result<std::string> unpack(std::string_view packed, std::string_view prefix = {});

}  // namespace gpuscale::scaling
