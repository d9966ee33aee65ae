#include "ingest/otlp_protobuf.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <openssl/evp.h>

#include <array>
#include <bit>
#include <charconv>
#include <climits>
#include <cmath>
#include <span>
#include <vector>

#include "core/text.h"

namespace redthread {

namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Messages within messages; the limit of protobuf's own readers.
constexpr int kMaxDepth = 100;

// How a field's value is written.
enum class Kind : uint8_t {
  kMessage,
  kText,
  kHex,     // bytes that are an id
  kBase64,  // bytes
  kFlag,
  kNumber,  // varint, as a number
  kInt64,   // varint, as a text, as JSON has 64 bits
  kNanos,   // fixed64, as a text
  kDouble,
};

struct Message;
struct Field {
  int number;
  const char* name;
  Kind kind;
  const Message* message = nullptr;
  bool repeated = false;
};
struct Message {
  std::span<const Field> fields;
};

extern const Message kAnyValue, kKeyValue;

constexpr Field kArrayFields[] = {{1, "values", Kind::kMessage, &kAnyValue, true}};
constexpr Message kArray{kArrayFields};
constexpr Field kListFields[] = {{1, "values", Kind::kMessage, &kKeyValue, true}};
constexpr Message kList{kListFields};
constexpr Field kAnyValueFields[] = {
    {1, "stringValue", Kind::kText},
    {2, "boolValue", Kind::kFlag},
    {3, "intValue", Kind::kInt64},
    {4, "doubleValue", Kind::kDouble},
    {5, "arrayValue", Kind::kMessage, &kArray},
    {6, "kvlistValue", Kind::kMessage, &kList},
    {7, "bytesValue", Kind::kBase64},
};
constexpr Message kAnyValue{kAnyValueFields};
constexpr Field kKeyValueFields[] = {{1, "key", Kind::kText}, {2, "value", Kind::kMessage, &kAnyValue}};
constexpr Message kKeyValue{kKeyValueFields};
constexpr Field kRecordFields[] = {
    {1, "timeUnixNano", Kind::kNanos},
    {2, "severityNumber", Kind::kNumber},
    {3, "severityText", Kind::kText},
    {5, "body", Kind::kMessage, &kAnyValue},
    {6, "attributes", Kind::kMessage, &kKeyValue, true},
    {9, "traceId", Kind::kHex},
    {10, "spanId", Kind::kHex},
    {11, "observedTimeUnixNano", Kind::kNanos},
    {12, "eventName", Kind::kText},
};
constexpr Message kRecord{kRecordFields};
constexpr Field kScopeFields[] = {{1, "name", Kind::kText},
                                  {3, "attributes", Kind::kMessage, &kKeyValue, true}};
constexpr Message kScope{kScopeFields};
constexpr Field kScopeLogsFields[] = {{1, "scope", Kind::kMessage, &kScope},
                                      {2, "logRecords", Kind::kMessage, &kRecord, true}};
constexpr Message kScopeLogs{kScopeLogsFields};
constexpr Field kResourceFields[] = {{1, "attributes", Kind::kMessage, &kKeyValue, true}};
constexpr Message kResource{kResourceFields};
constexpr Field kResourceLogsFields[] = {{1, "resource", Kind::kMessage, &kResource},
                                         {2, "scopeLogs", Kind::kMessage, &kScopeLogs, true}};
constexpr Message kResourceLogs{kResourceLogsFields};
constexpr Field kRequestFields[] = {{1, "resourceLogs", Kind::kMessage, &kResourceLogs, true}};
constexpr Message kRequest{kRequestFields};

WireFormatLite::WireType WireTypeOf(Kind kind) {
  switch (kind) {
    case Kind::kMessage:
    case Kind::kText:
    case Kind::kHex:
    case Kind::kBase64:
      return WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    case Kind::kFlag:
    case Kind::kNumber:
    case Kind::kInt64:
      return WireFormatLite::WIRETYPE_VARINT;
    case Kind::kNanos:
    case Kind::kDouble:
      return WireFormatLite::WIRETYPE_FIXED64;
  }
  return WireFormatLite::WIRETYPE_END_GROUP;
}

// One field as it came.
struct Value {
  const Field* field = nullptr;
  uint64_t number = 0;
  std::string_view bytes;
};

const Field* FindField(const Message& message, int number) {
  for (const Field& field : message.fields) {
    if (field.number == number) return &field;
  }
  return nullptr;
}

// Appends the known fields of `text`, in order. False when it is no such message.
bool ReadFields(const Message& message, std::string_view text, std::vector<Value>* values) {
  CodedInputStream input(reinterpret_cast<const uint8_t*>(text.data()), static_cast<int>(text.size()));
  while (const uint32_t tag = input.ReadTag()) {
    const Field* field = FindField(message, WireFormatLite::GetTagFieldNumber(tag));
    if (field == nullptr) {
      if (!WireFormatLite::SkipField(&input, tag)) return false;
      continue;
    }
    if (WireFormatLite::GetTagWireType(tag) != WireTypeOf(field->kind)) return false;
    Value value{field, 0, {}};
    int size = 0;
    switch (WireTypeOf(field->kind)) {
      case WireFormatLite::WIRETYPE_VARINT:
        if (!input.ReadVarint64(&value.number)) return false;
        break;
      case WireFormatLite::WIRETYPE_FIXED64:
        if (!input.ReadLittleEndian64(&value.number)) return false;
        break;
      default:
        if (!input.ReadVarintSizeAsInt(&size)) return false;
        value.bytes = text.substr(static_cast<size_t>(input.CurrentPosition()), static_cast<size_t>(size));
        if (!input.Skip(size)) return false;
    }
    values->push_back(value);
  }
  // A tag of 0 is none, and ends the reading as the end does.
  return static_cast<size_t>(input.CurrentPosition()) == text.size() && input.ConsumedEntireMessage();
}

void AppendDouble(uint64_t bits, std::string* out) {
  const double number = std::bit_cast<double>(bits);
  if (!std::isfinite(number)) {
    out->append(std::isnan(number) ? "\"NaN\"" : number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return;
  }
  std::array<char, 32> text;  // the shortest that gives the same number takes 24 at most
  out->append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

void AppendBase64(std::string_view bytes, std::string* out) {
  *out += '"';
  const size_t before = out->size();
  out->resize(before + (bytes.size() + 2) / 3 * 4 + 1);  // it ends what it writes with NUL
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out->data() + before),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out->resize(before + static_cast<size_t>(written));
  *out += '"';
}

void AppendHex(std::string_view bytes, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  *out += '"';
  for (const char c : bytes) {
    *out += kDigits[static_cast<uint8_t>(c) >> 4];
    *out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  *out += '"';
}

bool AppendMessage(const Message& message, std::string_view text, int depth, std::string* out);

bool AppendValue(const Value& value, int depth, std::string* out) {
  switch (value.field->kind) {
    case Kind::kMessage:
      return depth < kMaxDepth && AppendMessage(*value.field->message, value.bytes, depth + 1, out);
    case Kind::kText:
      AppendJsonString(value.bytes, out);
      return true;
    case Kind::kHex:
      AppendHex(value.bytes, out);
      return true;
    case Kind::kBase64:
      AppendBase64(value.bytes, out);
      return true;
    case Kind::kFlag:
      out->append(value.number != 0 ? "true" : "false");
      return true;
    case Kind::kNumber:
      out->append(std::to_string(value.number));
      return true;
    case Kind::kInt64:
      out->append("\"").append(std::to_string(static_cast<int64_t>(value.number))).append("\"");
      return true;
    case Kind::kNanos:
      out->append("\"").append(std::to_string(value.number)).append("\"");
      return true;
    case Kind::kDouble:
      AppendDouble(value.number, out);
      return true;
  }
  return false;
}

// All values of one field: an array, or of one that may not repeat the last.
bool AppendField(const Field& field, const std::vector<Value>& values, int depth, std::string* out) {
  const size_t before = out->size();
  const Value* last = nullptr;
  for (const Value& value : values) {
    if (value.field != &field) continue;
    last = &value;
    if (!field.repeated) continue;
    out->append(out->size() == before ? "[" : ",");
    if (!AppendValue(value, depth, out)) return false;
  }
  if (last == nullptr) return true;
  if (!field.repeated) return AppendValue(*last, depth, out);
  out->append("]");
  return true;
}

bool AppendMessage(const Message& message, std::string_view text, int depth, std::string* out) {
  std::vector<Value> values;
  if (!ReadFields(message, text, &values)) return false;
  *out += '{';
  for (const Field& field : message.fields) {
    const size_t before = out->size();
    if (out->back() != '{') *out += ',';
    out->append("\"").append(field.name).append("\":");
    const size_t named = out->size();
    if (!AppendField(field, values, depth, out)) return false;
    if (out->size() == named) out->resize(before);
  }
  *out += '}';
  return true;
}

}  // namespace

Result<std::string> OtlpJsonOf(std::string_view message) {
  std::string json;
  if (message.size() > static_cast<size_t>(INT_MAX) || !AppendMessage(kRequest, message, 0, &json))
    return Status::Invalid("the body is no ExportLogsServiceRequest in protobuf");
  return json;
}

std::string ProtobufStatus(int code, std::string_view message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  WireFormatLite::WriteInt32(1, code, &out);
  WireFormatLite::WriteString(2, std::string(message), &out);
  out.Trim();
  return bytes;
}

}  // namespace redthread
