#pragma once

#include "base/random.hpp"
#include "http/router.hpp"

namespace latchkey::service {

/// The third party's function of the walkthrough, RandomNumber: {"value": 1..1000}. The functions
/// host in front of it asks for the key. `random` must outlive the handler.
http::Handler random_number_function(Random& random);

}  // namespace latchkey::service
