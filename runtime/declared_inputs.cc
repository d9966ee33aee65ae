#include "runtime/declared_inputs.h"

#include "storage/row.h"

namespace redthread {
namespace {

constexpr char kKey[] = "inputs";  // of the row

void WriteTexts(const std::vector<std::string>& texts, RowWriter* row) {
  row->Varint(texts.size());
  for (const std::string& text : texts) row->Bytes(text);
}

bool ReadTexts(RowReader* row, std::vector<std::string>* texts) {
  uint64_t n = 0;
  if (!row->Varint(&n)) return false;
  for (uint64_t i = 0; i < n; ++i) {
    if (!row->Bytes(&texts->emplace_back())) return false;
  }
  return true;
}

bool ReadInput(RowReader* row, DeclaredInput* input) {
  uint64_t bytes = 0;
  const bool good = row->Bytes(&input->name) && ReadTexts(row, &input->topics) &&
                    row->Bytes(&input->format) && row->Bytes(&input->time_zone) && row->Varint(&bytes) &&
                    ReadTexts(row, &input->log_source.products) &&
                    ReadTexts(row, &input->log_source.services) &&
                    ReadTexts(row, &input->log_source.categories) && ReadTexts(row, &input->trusted_proxies);
  input->max_record_bytes = static_cast<size_t>(bytes);
  return good;
}

}  // namespace

std::string EncodeInputs(const std::vector<DeclaredInput>& inputs) {
  RowWriter row;
  row.Varint(inputs.size());
  for (const DeclaredInput& input : inputs) {
    row.Bytes(input.name);
    WriteTexts(input.topics, &row);
    row.Bytes(input.format).Bytes(input.time_zone).Varint(input.max_record_bytes);
    WriteTexts(input.log_source.products, &row);
    WriteTexts(input.log_source.services, &row);
    WriteTexts(input.log_source.categories, &row);
    WriteTexts(input.trusted_proxies, &row);
  }
  return row.Finish(kKey);
}

Result<std::vector<DeclaredInput>> DecodeInputs(std::string_view bytes) {
  const Result<std::string_view> payload = OpenRow("declared inputs", kKey, bytes);
  if (!payload.ok()) return payload.status();
  RowReader row(*payload);
  std::vector<DeclaredInput> inputs;
  uint64_t n = 0;
  bool good = row.Varint(&n);
  for (uint64_t i = 0; good && i < n; ++i) good = ReadInput(&row, &inputs.emplace_back());
  if (!good || !row.AtEnd()) return DamagedRow("declared inputs", kKey, "its fields cannot be read");
  return inputs;
}

}  // namespace redthread
