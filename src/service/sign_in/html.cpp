#include "service/sign_in/html.hpp"

#include <algorithm>
#include <vector>

#include "base/assert.hpp"

namespace latchkey::service::sign_in {

Html escape(std::string_view text) {
  Html html;
  html.text.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        html.text += "&amp;";
        break;
      case '<':
        html.text += "&lt;";
        break;
      case '>':
        html.text += "&gt;";
        break;
      case '"':
        html.text += "&quot;";
        break;
      case '\'':
        html.text += "&#39;";
        break;
      default:
        html.text += c;
    }
  }
  return html;
}

Html render(std::string_view text, std::initializer_list<Place> places) {
  Html page;
  std::vector<bool> used(places.size(), false);
  for (;;) {
    const auto begin = text.find("{{");
    page.text += text.substr(0, begin);
    if (begin == std::string_view::npos) break;
    const auto end = text.find("}}", begin);
    LK_ASSERT(end != std::string_view::npos);
    const auto name = text.substr(begin + 2, end - begin - 2);
    const auto* place = std::find_if(places.begin(), places.end(),
                                     [name](const Place& each) { return each.name == name; });
    LK_ASSERT(place != places.end());
    page.text += place->value.text;
    used[static_cast<std::size_t>(place - places.begin())] = true;
    text.remove_prefix(end + 2);
  }
  LK_ASSERT(std::find(used.begin(), used.end(), false) == used.end());
  return page;
}

}  // namespace latchkey::service::sign_in
