#include "app/tour_text.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <vector>

#include "app/display_width.h"
#include "app/numbers.h"
#include "app/terminal.h"
#include "core/text.h"

namespace redthread {
namespace {

constexpr int kTimeColumn = 14;  // "Fri 16 21:12  "
constexpr const char* kWeekdays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};  // from 1 January 1970
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

const char* Weekday(Timestamp t) {
  constexpr int64_t kDay = 86'400'000'000'000;
  const int64_t days = t.ns / kDay - (t.ns % kDay < 0 ? 1 : 0);
  return kWeekdays[((days % 7) + 7) % 7];
}

// "Fri 16 Oct 21:12"
std::string Moment(Timestamp t) {
  const CalendarParts p = CalendarPartsOf(t);
  char text[40];
  std::snprintf(text, sizeof text, "%s %d %s %02d:%02d", Weekday(t), p.day, kMonths[p.month - 1], p.hour, p.minute);
  return text;
}

bool SameDay(Timestamp a, Timestamp b) {
  const CalendarParts x = CalendarPartsOf(a), y = CalendarPartsOf(b);
  return x.year == y.year && x.month == y.month && x.day == y.day;
}

// "42 minutes", "28 hours", "3 days"
std::string Duration(Nanoseconds d) {
  const auto minutes = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::minutes>(d).count());
  if (minutes < 120) return Counted(minutes, "minute");
  if (minutes < 72 * 60) return Counted(minutes / 60, "hour");
  return Counted(minutes / 60 / 24, "day");
}

// Up to `most` names, and how many there are beyond.
std::string Names(const std::set<std::string>& names, size_t most) {
  std::string out;
  size_t shown = 0;
  for (const std::string& name : names) {
    if (shown == most) return out + " and " + std::to_string(names.size() - most) + " more";
    out += (shown++ == 0 ? "" : ", ") + Visible(name);
  }
  return out;
}

class TourPage {
 public:
  TourPage(const Tour& tour, const TourFacts& facts, int width, bool color)
      : tour_(tour), facts_(facts), width_(std::clamp(width, 60, 100)), color_(color) {}

  std::string Render() {
    Head();
    for (size_t i = 0; i < tour_.incidents.size(); ++i) Incident(tour_.incidents[i], i + 1);
    if (tour_.incidents.empty()) Paragraph("Nothing that needs you. ", 2);
    WorthALook();
    Attempts();
    Gaps();
    GoOn();
    return out_;
  }

 private:
  void Line(const std::string& text = "") { out_ += text + "\n"; }
  void Paragraph(std::string_view text, int indent, std::string_view first_line = "", Style style = Style::kPlain);
  void Heading(std::string_view title, Style style, std::string_view right = "");
  void Label(std::string_view label, const std::string& text);

  void Head();
  void Incident(const TourIncident& incident, size_t number);
  void Step(const TourStep& step);
  void WhatToDo(const TourIncident& incident);
  void WorthALook();
  void Attempts();
  void Gaps();
  void GoOn();

  const Tour& tour_;
  const TourFacts& facts_;
  const int width_;
  const bool color_;
  std::string out_;
};

// Words, wrapped. `first_line` (plain, at most `indent` wide) stands before the first of them.
void TourPage::Paragraph(std::string_view text, int indent, std::string_view first_line, Style style) {
  std::string line(first_line);
  line.resize(std::max(line.size(), static_cast<size_t>(indent)), ' ');
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::string words;
  const auto flush = [&] {
    out_ += line + Styled(words, style, color_) + "\n";
    line = margin;
    words.clear();
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!words.empty() && indent + DisplayWidth(words) + 1 + DisplayWidth(word) > width_) flush();
    if (!words.empty()) words += ' ';
    words += word;
  }
  if (!words.empty()) flush();
}

void TourPage::Heading(std::string_view title, Style style, std::string_view right) {
  Line();
  const int gap = width_ - DisplayWidth(title) - DisplayWidth(right);
  Line(Styled(title, Style::kBold, color_) + std::string(static_cast<size_t>(std::max(gap, 1)), ' ') +
       Styled(right, style, color_));
  std::string rule;
  for (int i = 0; i < width_; ++i) rule += "─";
  Line(Styled(rule, Style::kDim, color_));
}

void TourPage::Label(std::string_view label, const std::string& text) {
  if (!text.empty()) Paragraph(text, 12, "  " + std::string(label));
}

void TourPage::Head() {
  const double seconds = std::chrono::duration<double>(facts_.elapsed).count();
  char time[32];
  std::snprintf(time, sizeof time, "%.1f s", seconds);
  Line();
  Paragraph(WithThousands(facts_.lines) + " lines from " + Counted(facts_.files, "source") + " (" +
                FormatSize(facts_.bytes) + ") read in " + time + " with " + Counted(facts_.rules, "rule") + ".",
            0);
  uint64_t alerts = 0;
  for (const uint64_t n : tour_.alerts_by_level) alerts += n;
  const auto of = [&](Level level) {
    return WithThousands(tour_.alerts_by_level[static_cast<size_t>(level)]) + " " + LevelName(level);
  };
  Paragraph(Counted(alerts, "alert") + ": " + of(Level::kCritical) + ", " + of(Level::kHigh) + ", " +
                of(Level::kMedium) + ", " + of(Level::kLow) + ".",
            0);
  const auto attacks = static_cast<uint64_t>(std::count_if(
      tour_.incidents.begin(), tour_.incidents.end(), [](const TourIncident& incident) { return incident.attack; }));
  Paragraph("They come down to " + Counted(attacks, "attack") + " and " +
                Counted(tour_.incidents.size() - attacks, "fault") + ". Times are UTC.",
            0);
}

void TourPage::Incident(const TourIncident& incident, size_t number) {
  const TourStep& worst = *std::max_element(
      incident.steps.begin(), incident.steps.end(),
      [](const TourStep& a, const TourStep& b) { return a.rule->level < b.rule->level; });
  Heading(std::to_string(number) + "  " + (incident.attack ? "An attack" : "A fault, not an attack"),
          StyleOf(incident.level), LevelName(incident.level));
  const Nanoseconds span = incident.last - incident.first;
  Label("When", Moment(incident.first) + " to " + Moment(incident.last) + ", " + Duration(span));
  Label("Where", Names(incident.entities.hosts, 6));
  Label("Accounts", Names(incident.entities.users, 6));
  if (incident.attack) Label("From", Names(incident.entities.addresses, 4));
  Label("Meaning", worst.rule->owner_meaning);
  Line();
  Line("  " + Styled("What happened", Style::kBold, color_));
  for (const TourStep& step : incident.steps) Step(step);
  WhatToDo(incident);
}

void TourPage::Step(const TourStep& step) {
  const CalendarParts p = CalendarPartsOf(step.first);
  char time[24];
  std::snprintf(time, sizeof time, "  %s %2d %02d:%02d", Weekday(step.first), p.day, p.hour, p.minute);
  const std::string& what = step.rule->owner_what.empty() ? step.rule->title : step.rule->owner_what;
  Paragraph(what, kTimeColumn + 2, time);
  std::string detail = Names(step.entities.users, 3);
  if (!step.entities.hosts.empty()) detail += (detail.empty() ? "" : ", ") + ("on " + Names(step.entities.hosts, 3));
  if (!step.entities.addresses.empty()) {
    detail += (detail.empty() ? "" : ", ") +
              (step.entities.addresses.size() > 3 ? "from " + Counted(step.entities.addresses.size(), "address")
                                                  : "from " + Names(step.entities.addresses, 3));
  }
  if (step.matches > 1) {
    detail += ", " + WithThousands(step.matches) + " times";
    const Nanoseconds span = step.last - step.first;
    if (span >= std::chrono::minutes(1)) detail += " in " + Duration(span);
  }
  Paragraph(detail, kTimeColumn + 2, "", Style::kDim);
}

// All steps of the worst rule, then the first of each other rule that is high or worse.
void TourPage::WhatToDo(const TourIncident& incident) {
  constexpr size_t kMost = 8;
  std::vector<const TourStep*> order;
  for (const TourStep& step : incident.steps) order.push_back(&step);
  std::stable_sort(order.begin(), order.end(),
                   [](const TourStep* a, const TourStep* b) { return a->rule->level > b->rule->level; });
  std::vector<std::string> todo = order.front()->rule->owner_do;
  for (size_t i = 1; i < order.size() && order[i]->rule->level >= Level::kHigh; ++i) {
    for (const std::string& one : order[i]->rule->owner_do) {
      if (std::find(todo.begin(), todo.end(), one) != todo.end()) continue;
      todo.push_back(one);
      break;
    }
  }
  if (todo.empty()) return;
  if (todo.size() > kMost) todo.resize(kMost);
  Line();
  Line("  " + Styled("What to do", Style::kBold, color_));
  for (size_t i = 0; i < todo.size(); ++i) Paragraph(todo[i], 5, "  " + std::to_string(i + 1));
}

void TourPage::WorthALook() {
  if (tour_.worth_a_look.empty()) return;
  Heading("Worth a look, mostly harmless", Style::kPlain);
  for (const TourStep& step : tour_.worth_a_look) {
    Step(step);
    if (step.rule->owner_harmless.empty()) continue;
    Paragraph("Usual cause: " + step.rule->owner_harmless.front(), kTimeColumn + 2);
  }
}

void TourPage::Attempts() {
  if (tour_.attempts.empty()) return;
  Heading("Tried, and failed", Style::kPlain);
  uint64_t matches = 0;
  std::set<std::string> addresses;
  for (const TourStep& step : tour_.attempts) {
    matches += step.matches;
    addresses.insert(step.entities.addresses.begin(), step.entities.addresses.end());
  }
  const bool in_incident = std::any_of(tour_.incidents.begin(), tour_.incidents.end(), [&](const TourIncident& one) {
    return one.attack && std::any_of(addresses.begin(), addresses.end(), [&](const std::string& address) {
             return one.entities.addresses.count(address) > 0;
           });
  });
  Paragraph(WithThousands(matches) + " attempts on " + Counted(tour_.attempt_days.size(), "day") + " from " +
                std::to_string(addresses.size()) + " addresses were refused. " +
                (in_incident ? "Some of these addresses also appear in an attack above."
                             : "None of these addresses appears in an attack above."),
            2);
  for (const TourStep& step : tour_.attempts) {
    Paragraph(step.rule->owner_what, 12, "  " + WithThousands(step.matches));
  }
}

void TourPage::Gaps() {
  if (tour_.gaps.empty()) return;
  Heading("What cannot be seen here", Style::kPlain);
  for (const Rule* rule : tour_.gaps) {
    std::string text = rule->owner_meaning;
    if (!rule->owner_do.empty()) text += " " + rule->owner_do.front();
    Paragraph(text, 4, "  - ");
  }
}

void TourPage::GoOn() {
  Heading("Go on", Style::kPlain);
  const std::string logs = facts_.logs_folder.empty() ? "FOLDER" : facts_.logs_folder;
  const auto command = [this](const std::string& text, std::string_view what) {
    Line("  " + Styled(text, Style::kCyan, color_));
    Paragraph(what, 6);
  };
  if (facts_.logs_folder.empty()) command("redthread demo --keep FOLDER", "keep these sample logs");
  command("redthread scan " + logs, "the same alerts, one line each, with their evidence");
  command("redthread rules list", "the rules behind them");
  command("redthread scan /var/log", "your own logs");
}

}  // namespace

std::string RenderTour(const Tour& tour, const TourFacts& facts, int width, bool color) {
  return TourPage(tour, facts, width, color).Render();
}

}  // namespace redthread
