#include "ingest/binxml_reader.h"

#include <algorithm>
#include <string>

#include "core/text.h"
#include "ingest/little_endian.h"

namespace redthread {

namespace {

using Kind = XmlNode::Kind;

enum Token : uint8_t {
  kEndOfFragment = 0x00,
  kOpenElement = 0x01,
  kCloseStartTag = 0x02,
  kCloseEmptyElement = 0x03,
  kEndElement = 0x04,
  kValue = 0x05,
  kAttribute = 0x06,
  kCData = 0x07,
  kCharacterReference = 0x08,
  kEntityReference = 0x09,
  kInstructionTarget = 0x0A,
  kInstructionData = 0x0B,
  kTemplateInstance = 0x0C,
  kSubstitution = 0x0D,
  kOptionalSubstitution = 0x0E,
  kFragmentHeader = 0x0F,
};
// Set in a token when more of its kind follow; of an opened element, when it has attributes.
constexpr uint8_t kMore = 0x40;

constexpr const char* kShort = "BinXML ends within a token";
constexpr const char* kUnknownToken = "unknown BinXML token";
constexpr const char* kMisplaced = "BinXML token in the wrong place";
constexpr const char* kBadName = "name outside of the chunk";
constexpr const char* kTooDeep = "nested too deep";
constexpr const char* kTooMuch = "expands beyond the limit";
constexpr const char* kBadTemplate = "template outside of the chunk";
constexpr const char* kBadValues = "values reach beyond the record";

// A name without a common entity's meaning stays as it is written.
std::string_view EntityText(std::string_view name) {
  if (name == "lt") return "<";
  if (name == "gt") return ">";
  if (name == "amp") return "&";
  if (name == "quot") return "\"";
  if (name == "apos") return "'";
  return {};
}

}  // namespace

void BinXmlReader::Begin(std::string_view chunk) {
  chunk_ = chunk;
  chunk_steps_ = kMaxChunkSteps;
}

const char* BinXmlReader::Read(size_t begin, size_t end, XmlTree* tree) {
  tree_ = tree;
  names_.Clear();
  open_.clear();
  values_.clear();
  failure_ = nullptr;
  steps_ = std::min(kMaxSteps, chunk_steps_);
  const size_t allowed = steps_;
  const Range range{std::min(begin, chunk_.size()), std::min(end, chunk_.size())};
  stopped_at_ = range.at;
  if (range.at > range.end) return kShort;
  ReadFragment(range, {});
  chunk_steps_ -= allowed - steps_;
  return failure_;
}

bool BinXmlReader::Fail(const char* reason, size_t at) {
  if (failure_ == nullptr) {
    failure_ = reason;
    stopped_at_ = at;
  }
  return false;
}

bool BinXmlReader::Spend(size_t steps, size_t at) {
  if (steps > steps_) {
    steps_ = 0;
    return Fail(kTooMuch, at);
  }
  steps_ -= steps;
  return true;
}

template <typename T>
bool BinXmlReader::Take(Range* range, T* number) {
  if (range->left() < sizeof(T)) return Fail(kShort, range->at);
  *number = LoadLittleEndian<T>(chunk_.data() + range->at);
  range->at += sizeof(T);
  return true;
}

bool BinXmlReader::TakeBytes(size_t size, Range* range, Range* bytes) {
  if (range->left() < size) return Fail(kShort, range->at);
  *bytes = {range->at, range->at + size};
  range->at += size;
  return true;
}

bool BinXmlReader::ReadFragment(Range range, const Context& context) {
  if (context.depth > kMaxDepth) return Fail(kTooDeep, range.at);
  Fragment fragment{range, context, open_.size()};
  while (fragment.range.left() > 0) {
    if (!Spend(1, fragment.range.at)) return false;
    uint8_t token = 0;
    if (!Take(&fragment.range, &token)) return false;
    if (token == kEndOfFragment) break;
    if (!ReadToken(token, &fragment)) return false;
  }
  if (open_.size() != fragment.outer_elements)
    return Fail("BinXML ends within an element", fragment.range.at);
  return true;
}

bool BinXmlReader::ReadToken(uint8_t token, Fragment* f) {
  switch (token & ~kMore) {
    case kOpenElement:
      return ReadOpenElement((token & kMore) != 0, f);
    case kCloseStartTag:
      CloseAttribute(f);
      return true;
    case kCloseEmptyElement:
    case kEndElement:
      return CloseElement(f);
    case kValue:
      return ReadValue(f);
    case kAttribute:
      return ReadAttribute(f);
    case kCData:
      return ReadCharacters(f);
    case kCharacterReference:
      return ReadCharacterReference(f);
    case kEntityReference:
      return ReadEntityReference(f);
    case kInstructionTarget:
      return SkipInstruction(true, f);
    case kInstructionData:
      return SkipInstruction(false, f);
    case kTemplateInstance:
      return ReadTemplateInstance(f);
    case kSubstitution:
    case kOptionalSubstitution:
      return ReadSubstitution(f);
    case kFragmentHeader: {
      Range version;
      return TakeBytes(3, &f->range, &version);
    }
    default:
      return Fail(kUnknownToken, f->range.at - 1);
  }
}

// ---- elements

bool BinXmlReader::ReadOpenElement(bool has_attributes, Fragment* f) {
  if (f->in_attribute) return Fail(kMisplaced, f->range.at);
  if (open_.size() >= kMaxDepth) return Fail(kTooDeep, f->range.at);
  std::string_view name;
  // Which of the two forms it has follows from where it stands; writers exist that see that differently.
  Range other = f->range;
  if (!ReadElementName(f->context.dependency, &f->range, &name)) {
    failure_ = nullptr;
    if (!ReadElementName(!f->context.dependency, &other, &name)) return false;
    f->range = other;
  }
  uint32_t attribute_bytes = 0;
  if (has_attributes && !Take(&f->range, &attribute_bytes)) return false;
  open_.push_back({tree_->Add(Kind::kElement, name)});
  return true;
}

bool BinXmlReader::ReadElementName(bool dependency, Range* range, std::string_view* name) {
  uint16_t value = 0;
  uint32_t bytes = 0;
  if (dependency && !Take(range, &value)) return false;
  return Take(range, &bytes) && ReadName(range, name);
}

// An offset in the chunk; when it is that of the next byte, the name itself follows.
// The name: the offset of another one, a hash, the number of UTF-16 units, these, a NUL.
bool BinXmlReader::ReadName(Range* range, std::string_view* name) {
  constexpr size_t kHead = 8;
  uint32_t offset = 0;
  if (!Take(range, &offset)) return false;
  if (offset > chunk_.size() || chunk_.size() - offset < kHead) return Fail(kBadName, range->at - 4);
  const size_t units = LoadLittleEndian<uint16_t>(chunk_.data() + offset + 6);
  const size_t size = kHead + 2 * units + 2;
  if (units == 0 || chunk_.size() - offset < size) return Fail(kBadName, range->at - 4);
  if (offset == range->at) {
    if (range->left() < size) return Fail(kShort, range->at);
    range->at += size;
  }
  // A unit becomes three bytes at most.
  char* const text = names_.Allocate(3 * units);
  size_t used = 0;
  const char* unit = chunk_.data() + offset + kHead;
  for (; used < units && unit[2 * used + 1] == '\0' && static_cast<unsigned char>(unit[2 * used]) < 0x80;
       ++used) {
    text[used] = unit[2 * used];
  }
  if (used < units) {
    std::string utf8;
    AppendUtf16({unit, 2 * units}, false, &utf8);
    used = utf8.copy(text, 3 * units);
  }
  names_.Shrink(text, used);
  *name = {text, used};
  return true;
}

bool BinXmlReader::ReadAttribute(Fragment* f) {
  CloseAttribute(f);
  if (open_.size() == f->outer_elements) return Fail(kMisplaced, f->range.at - 1);
  std::string_view name;
  if (!ReadName(&f->range, &name)) return false;
  f->in_attribute = true;
  f->attribute = tree_->Add(Kind::kAttribute, name);
  return true;
}

void BinXmlReader::CloseAttribute(Fragment* f) {
  if (f->in_attribute) tree_->Close(f->attribute);
  f->in_attribute = false;
}

bool BinXmlReader::CloseElement(Fragment* f) {
  CloseAttribute(f);
  if (open_.size() == f->outer_elements) return Fail(kMisplaced, f->range.at - 1);
  const OpenElement element = open_.back();
  open_.pop_back();
  tree_->Close(element.node);
  return !element.has_array || ExpandArrays(element.node);
}

// ---- content

bool BinXmlReader::ReadValue(Fragment* f) {
  uint8_t type = 0;
  if (!Take(&f->range, &type)) return false;
  if (type == static_cast<uint8_t>(BinXmlType::kString)) return ReadCharacters(f);
  return Fail("value in a template that is no string", f->range.at - 1);
}

bool BinXmlReader::ReadCharacters(Fragment* f) {
  uint16_t units = 0;
  Range text;
  return Take(&f->range, &units) && TakeBytes(2 * size_t{units}, &f->range, &text) &&
         AddValue(static_cast<uint8_t>(BinXmlType::kString), text, f);
}

bool BinXmlReader::ReadCharacterReference(Fragment* f) {
  uint16_t unit = 0;
  if (!Take(&f->range, &unit)) return false;
  return AddValue(static_cast<uint8_t>(BinXmlType::kString), {f->range.at - 2, f->range.at}, f);
}

bool BinXmlReader::ReadEntityReference(Fragment* f) {
  std::string_view name;
  if (!ReadName(&f->range, &name)) return false;
  if (open_.empty()) return Fail(kMisplaced, f->range.at);
  const std::string_view text = EntityText(name);
  tree_->Add(Kind::kText, text.empty() ? name : text);
  return true;
}

// What is said to processors of XML is no part of the event.
bool BinXmlReader::SkipInstruction(bool target, Fragment* f) {
  std::string_view name;
  if (target) return ReadName(&f->range, &name);
  uint16_t units = 0;
  Range text;
  return Take(&f->range, &units) && TakeBytes(2 * size_t{units}, &f->range, &text);
}

bool BinXmlReader::ReadSubstitution(Fragment* f) {
  uint16_t number = 0;
  uint8_t declared_type = 0;
  if (!Take(&f->range, &number) || !Take(&f->range, &declared_type)) return false;
  if (number >= f->context.value_count) return true;  // an older instance of a template that has grown
  // Copied: values of what is nested are added behind it.
  const Value value = values_[f->context.first_value + number];
  if (value.type != static_cast<uint8_t>(BinXmlType::kBinXml)) return AddValue(value.type, value.bytes, f);
  if (value.bytes.left() == 0) return true;
  if (f->in_attribute) return Fail(kMisplaced, f->range.at - 1);
  Context inner;
  inner.dependency = false;
  inner.depth = f->context.depth + 1;
  return ReadFragment(value.bytes, inner);
}

bool BinXmlReader::AddValue(uint8_t type, Range bytes, Fragment* f) {
  if (bytes.left() == 0 || type == static_cast<uint8_t>(BinXmlType::kNull)) return true;
  if (open_.empty()) return Fail(kMisplaced, bytes.at);
  tree_->Add(Kind::kValue, Bytes(bytes), type);
  // An array in an attribute repeats the element too.
  if ((type & kBinXmlArray) != 0 && open_.size() > f->outer_elements) open_.back().has_array = true;
  return true;
}

// ---- templates

bool BinXmlReader::ReadTemplateInstance(Fragment* f) {
  constexpr size_t kHead = 24;  // the offset of another one, a GUID, the size
  uint8_t unknown = 0;
  uint32_t id = 0, offset = 0;
  if (f->in_attribute) return Fail(kMisplaced, f->range.at - 1);
  if (!Take(&f->range, &unknown) || !Take(&f->range, &id) || !Take(&f->range, &offset)) return false;
  if (offset > chunk_.size() || chunk_.size() - offset < kHead) return Fail(kBadTemplate, f->range.at - 4);
  const size_t size = LoadLittleEndian<uint32_t>(chunk_.data() + offset + 20);
  const Range tokens{offset + kHead, offset + kHead + size};
  if (tokens.end > chunk_.size()) return Fail(kBadTemplate, f->range.at - 4);
  if (offset == f->range.at) {
    if (f->range.left() < kHead + size) return Fail(kShort, f->range.at);
    f->range.at = tokens.end;
  }
  Context inner;
  inner.depth = f->context.depth + 1;
  const size_t outer_values = values_.size();
  if (!ReadTemplateValues(&f->range, &inner) || !ReadFragment(tokens, inner)) return false;
  values_.resize(outer_values);
  return true;
}

// Their number, then size and type of each, then their bytes.
bool BinXmlReader::ReadTemplateValues(Range* range, Context* inner) {
  constexpr size_t kDescription = 4;
  uint32_t count = 0;
  if (!Take(range, &count)) return false;
  if (count > range->left() / kDescription) return Fail(kBadValues, range->at);
  if (!Spend(count, range->at)) return false;
  inner->first_value = values_.size();
  inner->value_count = count;
  size_t description = range->at;
  range->at += count * kDescription;
  for (uint32_t i = 0; i < count; ++i, description += kDescription) {
    const size_t size = LoadLittleEndian<uint16_t>(chunk_.data() + description);
    Value value{LoadLittleEndian<uint8_t>(chunk_.data() + description + 2), {}};
    if (range->left() < size) return Fail(kBadValues, description);
    value.bytes = {range->at, range->at + size};
    range->at += size;
    values_.push_back(value);
  }
  return true;
}

// ---- arrays

// An element that holds an array of several items is repeated, once for each. Source: [MS-EVEN6] 3.1.4.7.5.
bool BinXmlReader::ExpandArrays(uint32_t element) {
  std::vector<XmlNode>& nodes = tree_->nodes();
  const uint32_t array = FindArray(element);
  if (array == 0) return true;
  // It is the last subtree: copies can follow it.
  const std::vector<XmlNode> once(nodes.begin() + element, nodes.end());
  const auto type = static_cast<uint8_t>(nodes[array].type & ~kBinXmlArray);
  std::string_view rest = nodes[array].text;
  std::string_view item;
  nodes.resize(element);
  while (TakeArrayItem(type, &rest, &item)) {
    if (!Spend(once.size(), stopped_at_)) return false;
    const auto begin = static_cast<uint32_t>(nodes.size());
    nodes.insert(nodes.end(), once.begin(), once.end());
    nodes[begin + (array - element)].type = type;
    nodes[begin + (array - element)].text = item;
    if (!ExpandArrays(begin)) return false;
  }
  return true;
}

// The first array with more than one item among an element's content, then its attributes'. 0: there is none.
uint32_t BinXmlReader::FindArray(uint32_t element) const {
  const XmlTree& tree = *tree_;
  const auto is_array = [&](uint32_t i) {
    if (tree[i].kind != Kind::kValue || (tree[i].type & kBinXmlArray) == 0) return false;
    std::string_view rest = tree[i].text;
    std::string_view item;
    TakeArrayItem(static_cast<uint8_t>(tree[i].type & ~kBinXmlArray), &rest, &item);
    return !rest.empty();
  };
  uint32_t found = 0;
  tree.ForEach(element, [&](uint32_t i) {
    if (found == 0 && is_array(i)) found = i;
  });
  if (found != 0) return found;
  tree.ForEach(element, [&](uint32_t a) {
    if (tree[a].kind != Kind::kAttribute) return;
    tree.ForEach(a, [&](uint32_t i) {
      if (found == 0 && is_array(i)) found = i;
    });
  });
  return found;
}

}  // namespace redthread
