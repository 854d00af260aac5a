// SPDX-License-Identifier: Apache-2.0
/// Private to the room: x to the power of y as Go has it, which InfluxDB is written in: to the last digit
/// where y is a whole number (squares are mostly what is asked for), else as the C library has it.
#pragma once

namespace gpuscale::influxql {

double go_power(double x, double y);

}  // namespace gpuscale::influxql
