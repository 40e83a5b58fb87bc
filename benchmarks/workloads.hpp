// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The measurements of each workload; what each tells is said in main.cpp.

#include "suite.hpp"

namespace bench {

std::vector<measurement> why_async();
std::vector<measurement> instant();
std::vector<measurement> hand_over();
std::vector<measurement> latency();
std::vector<measurement> head_of_line();
std::vector<measurement> retries();
std::vector<measurement> added_latency();
std::vector<measurement> growth();
std::vector<measurement> pool();
std::vector<measurement> redis();
std::vector<measurement> start_up();
std::vector<measurement> flights();
std::vector<measurement> watermarks();

} // namespace bench
