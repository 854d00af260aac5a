// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the samples of many series out of a view.
#pragma once
#include <cstddef>
#include <span>

#include "base/result.h"
#include "tsdb/scan_view.h"
#include "tsdb/store.h"

namespace gpuscale::tsdb {

/// Hands the samples of each series that has some to `sink`, in the order of the ids and on this thread.
/// @param helpers threads that decode beside it, a few series ahead; they have ended when it returns
/// Errors: kCorrupt; what `sink` returns, after which it is not called again.
Result<void> scan_series(const ScanView& view, std::span<const SeriesId> ids, std::size_t helpers,
                         const ScanSink& sink);
/// The newest sample of each alone. Of a view of the newest.
Result<void> scan_last_of_series(const ScanView& view, std::span<const SeriesId> ids, const ScanSink& sink);

}  // namespace gpuscale::tsdb
