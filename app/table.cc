#include "app/table.h"

#include <algorithm>
#include <utility>

#include "app/display_width.h"
#include "core/text.h"

namespace redthread {
namespace {

constexpr int kGap = 2;  // spaces between columns

int TotalWidth(const std::vector<int>& widths) {
  int total = kGap * (static_cast<int>(widths.size()) - 1);
  for (int w : widths) total += w;
  return total;
}

// Takes columns away from the widest of the columns that may give, none below `floor`, until the table fits.
void Narrow(const std::vector<Column>& columns, bool flexible_only, int floor, int limit,
            std::vector<int>* widths) {
  for (int excess = TotalWidth(*widths) - limit; excess > 0; --excess) {
    size_t widest = columns.size();
    for (size_t i = 0; i < columns.size(); ++i) {
      if (flexible_only && !columns[i].flexible) continue;
      if ((*widths)[i] <= floor) continue;
      if (widest == columns.size() || (*widths)[i] > (*widths)[widest]) widest = i;
    }
    if (widest == columns.size()) return;
    --(*widths)[widest];
  }
}

bool LooksLikeFormula(std::string_view field) {
  if (field.empty()) return false;
  if (field[0] == '=' || field[0] == '+' || field[0] == '@') return true;
  return field[0] == '-' && field.size() > 1 && !ParseDecimal(field);
}

}  // namespace

TableLayout::TableLayout(std::vector<Column> columns, const std::vector<Row>& rows, int width)
    : columns_(std::move(columns)), limited_(width > 0) {
  // No cell needs more than the whole line; the cap keeps the narrowing below short.
  const int cap = limited_ ? width : 1 << 20;
  for (size_t i = 0; i < columns_.size(); ++i) {
    int widest = DisplayWidth(columns_[i].name);
    for (const Row& row : rows) widest = std::max(widest, DisplayWidth(Visible(row[i].text)));
    widths_.push_back(std::min(widest, cap));
  }
  if (!limited_) return;
  Narrow(columns_, true, 12, width, &widths_);
  Narrow(columns_, false, 8, width, &widths_);
  Narrow(columns_, false, 1, width, &widths_);
}

std::string TableLayout::RenderHeader(bool color) const {
  Row header;
  for (const Column& c : columns_) header.push_back({c.name, Style::kBold});
  return Render(header, color);
}

std::string TableLayout::RenderRow(const Row& row, bool color) const { return Render(row, color); }

std::string TableLayout::Render(const Row& row, bool color) const {
  std::string line;
  size_t pending = 0;  // spaces that are written only when something follows them
  for (size_t i = 0; i < columns_.size(); ++i) {
    std::string text = Visible(row[i].text);
    if (limited_)
      text = columns_[i].keep_end ? ShortenKeepingEnd(text, widths_[i]) : Shorten(text, widths_[i]);
    const int blank = std::max(0, widths_[i] - DisplayWidth(text));
    const size_t left = columns_[i].right ? static_cast<size_t>(blank) : 0;
    if (!text.empty()) {
      line.append(pending + left, ' ').append(Styled(text, row[i].style, color));
      pending = static_cast<size_t>(blank) - left + kGap;
    } else {
      pending += static_cast<size_t>(blank) + kGap;
    }
  }
  line += '\n';
  return line;
}

std::string CsvLine(const std::vector<std::string_view>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    std::string text = Visible(fields[i]);
    if (LooksLikeFormula(text)) text.insert(0, 1, '\'');
    if (text.find_first_of(",\"") == std::string::npos) {
      line += text;
      continue;
    }
    line += '"';
    for (char c : text) line.append(c == '"' ? 2 : 1, c);
    line += '"';
  }
  return line + "\r\n";
}

}  // namespace redthread
