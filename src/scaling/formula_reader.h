// SPDX-License-Identifier: Apache-2.0
/// The value of a policy's formula: its queries asked of a data source, reduced and reckoned by the same code
/// as conditions of rules, with the pool's facts (ready_nodes ...).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "datasource/data_source.h"
#include "log/log.h"
#include "policy/formula.h"
#include "scaling/controller.h"

namespace gpuscale::scaling {

/// Every fault, each naming its place; empty = good.
std::vector<std::string> faults_of(const policy::Formula& formula);

/// `now` is that of the query; errors: kInvalidArgument (a formula that is none, several series), and those
/// of the source. An empty optional = no data.
Result<std::optional<double>> value_of(const policy::Formula& formula, const PoolStatus& pool,
                                       datasource::DataSource& source, WallTime now);

}  // namespace gpuscale::scaling
