#pragma once

#include "http/message.hpp"

namespace latchkey::service {

/// What a person sees at "/": what this is, and where to go on.
http::Response home_page();

}  // namespace latchkey::service
