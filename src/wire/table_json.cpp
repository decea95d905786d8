#include "wire/table_json.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

tl::unexpected<Error> bad_entity(std::string_view why) {
  return fail(ErrorKind::protocol, "InvalidEntity",
              "the table's answer cannot be used: " + std::string(why));
}

/// Adds "name" with its value, and its type where JSON does not say it.
struct Renderer {
  json::Object& object;
  const std::string& name;

  void operator()(const std::string& text) const { object[name] = text; }
  void operator()(std::int64_t number) const { typed("Edm.Int64", std::to_string(number)); }
  void operator()(UtcTime time) const { typed("Edm.DateTime", to_iso8601(time)); }
  void operator()(const Bytes& bytes) const { typed("Edm.Binary", to_base64(bytes)); }
  void typed(std::string_view type, const std::string& value) const {
    object[name + "@odata.type"] = type;
    object[name] = value;
  }
};

/// A name with a dot is an annotation: "odata.etag", "used_at@odata.type".
bool is_annotation(std::string_view name) {
  return name.find('.') != std::string_view::npos;
}

Result<TableEntity> entity_in(const json::Object& object) {
  TableEntity entity;
  for (const auto& member : object) {
    const std::string_view name = member.key();
    const json::Value& value = member.value();
    if (name == "odata.etag" && value.is_string()) entity.etag = value.get_string();
    if (is_annotation(name)) continue;
    if (value.is_string()) {
      entity.properties.emplace(name, std::string(value.get_string()));
    } else if (const auto number = json::whole_number(value)) {
      entity.properties.emplace(name, *number);
    }  // Other types are not ours; somebody may have added a column.
  }
  const auto partition = json::text(object, "PartitionKey");
  const auto row = json::text(object, "RowKey");
  if (!partition || !row) return bad_entity("an entity has no PartitionKey or no RowKey");
  entity.partition_key = *partition;
  entity.row_key = *row;
  for (const char* own : {"PartitionKey", "RowKey", "Timestamp"}) entity.properties.erase(own);
  return entity;
}

template <class Value>
const Value* held(const TableEntity& entity, std::string_view name) {
  const auto found = entity.properties.find(name);
  return found == entity.properties.end() ? nullptr : std::get_if<Value>(&found->second);
}

std::string with_doubled_quotes(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string TableEntity::text(std::string_view name) const {
  const auto* text = held<std::string>(*this, name);
  return text == nullptr ? std::string{} : *text;
}

std::int64_t TableEntity::number(std::string_view name) const {
  if (const auto* number = held<std::int64_t>(*this, name)) return *number;
  return parse_integer<std::int64_t>(text(name)).value_or(0);
}

UtcTime TableEntity::time(std::string_view name) const {
  if (const auto* time = held<UtcTime>(*this, name)) return *time;
  return from_iso8601(text(name)).value_or(UtcTime{});
}

Bytes TableEntity::binary(std::string_view name) const {
  if (const auto* bytes = held<Bytes>(*this, name)) return *bytes;
  return from_base64(text(name)).value_or(Bytes{});
}

std::string render_entity(const TableEntity& entity) {
  json::Object object;
  object["PartitionKey"] = entity.partition_key;
  object["RowKey"] = entity.row_key;
  for (const auto& [name, value] : entity.properties) std::visit(Renderer{object, name}, value);
  return boost::json::serialize(object);
}

std::string render_table_name(std::string_view name) {
  json::Object object;
  object["TableName"] = name;
  return boost::json::serialize(object);
}

Result<TableEntity> parse_entity(std::string_view body) {
  const auto object = json::parse_object(body);
  if (!object) return bad_entity("it is no JSON object");
  return entity_in(*object);
}

Result<std::vector<TableEntity>> parse_entities(std::string_view body) {
  const auto object = json::parse_object(body);
  if (!object) return bad_entity("it is no JSON object");
  const json::Value* values = json::find(*object, "value");
  if (values == nullptr || !values->is_array()) return bad_entity("it has no list \"value\"");
  std::vector<TableEntity> entities;
  for (const json::Value& value : values->get_array()) {
    const json::Object* one = value.if_object();
    if (one == nullptr) return bad_entity("\"value\" holds what is no object");
    auto entity = entity_in(*one);
    if (!entity) return fail(std::move(entity.error()));
    entities.push_back(std::move(*entity));
  }
  return entities;
}

std::string entity_path(std::string_view partition_key, std::string_view row_key) {
  std::string path = "(PartitionKey='";
  path.append(percent_encode(with_doubled_quotes(partition_key)));
  path.append("',RowKey='").append(percent_encode(with_doubled_quotes(row_key)));
  return path.append("')");
}

std::string filter_text(std::string_view text) {
  return "'" + with_doubled_quotes(text) + "'";
}

std::string filter_time(UtcTime time) {
  return "datetime'" + to_iso8601(time) + "'";
}

bool is_table_key(std::string_view text) {
  constexpr std::size_t kBytesMax = 512;  // Fewer than a key may have, whatever its characters.
  return text.size() <= kBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F && c != '/' && c != '\\' &&
                  c != '#' && c != '?' && c != '%';
         });
}

bool is_table_name(std::string_view text) {
  constexpr std::size_t kMin = 3;
  constexpr std::size_t kMax = 63;
  if (text.size() < kMin || text.size() > kMax || iequals(text, "tables")) return false;
  return is_letter(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter(c) || (c >= '0' && c <= '9');
         });
}

}  // namespace latchkey::wire
