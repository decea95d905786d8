#include "fuzz/property.hpp"
#include "wire/access_policy.hpp"
#include "wire/service_properties.hpp"
#include "wire/user_delegation.hpp"

/// The XML of an account's and a queue's settings: service properties, stored access policies, the
/// request for a user delegation key.
namespace latchkey::wire {
namespace {

void check_properties(std::string_view xml) {
  const auto change = parse_service_properties(xml);
  if (!change) return;
  ServiceProperties properties = default_service_properties();
  change_service_properties(properties, *change);
  const std::string text = render_service_properties(properties);
  const auto again = parse_service_properties(text);
  fuzz::hold(again.has_value(), "properties that were read can be written");
  fuzz::hold(render_service_properties(*again) == text, "properties stay the same");
}

void check_identifiers(std::string_view xml) {
  const auto identifiers = parse_signed_identifiers(xml);
  if (!identifiers) return;
  fuzz::hold(identifiers->size() <= kIdentifiersMax, "policies have their limit");
  for (const auto& identifier : *identifiers) {
    fuzz::hold(identifier.id.size() <= kIdentifierBytesMax, "their ids as well");
  }
  const std::string text = render_signed_identifiers(*identifiers);
  const auto again = parse_signed_identifiers(text);
  fuzz::hold(again.has_value(), "policies that were read can be written");
  fuzz::hold(render_signed_identifiers(*again) == text, "policies stay the same");
}

}  // namespace
}  // namespace latchkey::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  const std::string_view input = fuzz::text_of(data, size);
  wire::check_properties(input);
  wire::check_identifiers(input);
  (void)wire::parse_key_info(input).has_value();
  return 0;
}
