// SPDX-License-Identifier: Apache-2.0
/// Buckets that begin with the window. A query like SELECT mean(u) ... GROUP BY time(30s) over the last
/// minute falls into three buckets, since InfluxDB's begin on the clock's half minutes; avg() then weighs a
/// bucket of two seconds like one of thirty. Here the buckets begin with the window instead, so that each is
/// whole and none is older for it. Pure.
#pragma once
#include <string>

#include "base/time.h"

namespace gpuscale::alert {

struct AlignedQuery {
  std::string text;
  WallTime from;
  WallTime to;
};

/// Gives each "GROUP BY time(30s)" without an offset of its own the offset that makes a bucket end at `to`,
/// and shortens the range to whole buckets where it holds one. A text without such a clause stays as it is.
AlignedQuery align(const std::string& text, Nanos window, WallTime to);

}  // namespace gpuscale::alert
