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

constexpr int kTimeColumn = 14;                                 // "Fri 16 21:12  "
constexpr Nanoseconds kWorthTelling = std::chrono::minutes(1);  // what lasts less has no duration
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
  std::snprintf(text, sizeof text, "%s %d %s %02d:%02d", Weekday(t), p.day, kMonths[p.month - 1], p.hour,
                p.minute);
  return text;
}

// "42 minutes", "28 hours", "3 days": rounded to the nearest.
std::string Duration(Nanoseconds d) {
  const auto minutes = static_cast<uint64_t>(std::chrono::round<std::chrono::minutes>(d).count());
  if (minutes < 120) return Counted(minutes, "minute");
  if (minutes < 72 * 60) return Counted(minutes / 60, "hour");
  return Counted(minutes / 60 / 24, "day");
}

// "Tue 27 Oct 12:06 to 12:49, 43 minutes"
std::string Span(Timestamp first, Timestamp last) {
  std::string begin = Moment(first), end = Moment(last);
  if (last - first < kWorthTelling) return begin;
  const size_t clock = end.size() - 5;
  if (begin.substr(0, begin.size() - 5) == end.substr(0, clock)) end.erase(0, clock);
  return begin + " to " + end + ", " + Duration(last - first);
}

const std::string& WhatOf(const Rule& rule) { return rule.owner_what.empty() ? rule.title : rule.owner_what; }

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
    if (tour_.incidents.empty()) Paragraph("Nothing happened that needs you.", 0);
    WorthALook();
    Attempts();
    Gaps();
    GoOn();
    return out_;
  }

 private:
  void Line(const std::string& text = "") { out_ += text + "\n"; }
  void Paragraph(std::string_view text, int indent, std::string_view first_line = "",
                 Style style = Style::kPlain, Style first_style = Style::kPlain);
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

// Words, wrapped. `first_line` (ASCII, shorter than `indent`) stands before the first of them.
void TourPage::Paragraph(std::string_view text, int indent, std::string_view first_line, Style style,
                         Style first_style) {
  const auto width = static_cast<size_t>(indent);
  std::string margin = Styled(first_line, first_style, color_) + std::string(width - first_line.size(), ' ');
  std::string words;
  const auto flush = [&] {
    out_ += margin + Styled(words, style, color_) + "\n";
    margin.assign(width, ' ');
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
  std::string line = Styled(title, Style::kBold, color_);
  if (!right.empty()) {
    const int gap = std::max(1, width_ - DisplayWidth(title) - DisplayWidth(right));
    line += std::string(static_cast<size_t>(gap), ' ') + Styled(right, style, color_);
  }
  Line(line);
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
  Line(Styled("redthread: the tour", Style::kBold, color_));
  Line();
  Paragraph(
      "The logs of a firm that does not exist: twenty people, a web shop, Windows PCs, a file server, "
      "Microsoft "
      "365, a firewall, one month. What follows is computed from them.",
      0);
  Line();
  Paragraph(WithThousands(facts_.lines) + " lines from " + Counted(facts_.files, "source") + " (" +
                FormatSize(facts_.bytes) + ") read in " + time + " with " + Counted(facts_.rules, "rule") +
                ".",
            0);
  uint64_t alerts = 0;
  for (const uint64_t n : tour_.alerts_by_level) alerts += n;
  const auto of = [&](Level level) {
    return WithThousands(tour_.alerts_by_level[static_cast<size_t>(level)]) + " " + LevelName(level);
  };
  Paragraph(Counted(alerts, "alert") + ": " + of(Level::kCritical) + ", " + of(Level::kHigh) + ", " +
                of(Level::kMedium) + ", " + of(Level::kLow) + ".",
            0);
  const auto attacks =
      static_cast<uint64_t>(std::count_if(tour_.incidents.begin(), tour_.incidents.end(),
                                          [](const TourIncident& incident) { return incident.attack; }));
  Paragraph("They come down to " + Counted(attacks, "attack") + " and " +
                Counted(tour_.incidents.size() - attacks, "fault") + ". Times are UTC.",
            0);
}

// What an incident is called after: of an attack its worst step, of a fault the one that lasted longest.
const TourStep& LeadingStep(const TourIncident& incident) {
  return *std::max_element(
      incident.steps.begin(), incident.steps.end(), [&](const TourStep& a, const TourStep& b) {
        return incident.attack ? a.rule->level < b.rule->level : a.last - a.first < b.last - b.first;
      });
}

void TourPage::Incident(const TourIncident& incident, size_t number) {
  Heading(std::to_string(number) + "  " + (incident.attack ? "An attack" : "A fault, not an attack"),
          StyleOf(incident.level), LevelName(incident.level));
  const TourStep& lead = LeadingStep(incident);
  std::string what = WhatOf(*lead.rule);
  const Nanoseconds lasted = lead.last - lead.first;
  if (!incident.attack && lasted >= kWorthTelling) what += " For " + Duration(lasted) + ".";
  Paragraph(what, 2, "", Style::kBold);
  Paragraph(lead.rule->owner_meaning, 2);
  Line();
  Label("When", Span(incident.first, incident.last));
  Label("Where", Names(incident.entities.hosts, 6));
  Label("Accounts", Names(incident.entities.users, 6));
  if (incident.attack) Label("From", Names(incident.entities.addresses, 4));
  Line();
  Line("  " + Styled("What happened", Style::kBold, color_));
  for (const TourStep& step : incident.steps) Step(step);
  WhatToDo(incident);
}

void TourPage::Step(const TourStep& step) {
  const CalendarParts p = CalendarPartsOf(step.first);
  char time[24];
  std::snprintf(time, sizeof time, "  %s %2d %02d:%02d", Weekday(step.first), p.day, p.hour, p.minute);
  Paragraph(WhatOf(*step.rule), kTimeColumn + 2, time, Style::kPlain, StyleOf(step.rule->level));
  std::vector<std::string> detail;
  const TourEntities& who = step.entities;
  if (!who.users.empty()) detail.push_back(Names(who.users, 3));
  if (!who.hosts.empty()) detail.push_back("on " + Names(who.hosts, 3));
  // Of a fault the addresses are those of visitors.
  if (!who.addresses.empty() && IsAttackRule(*step.rule)) detail.push_back("from " + Names(who.addresses, 2));
  if (step.matches > 1) {
    const Nanoseconds span = step.last - step.first;
    detail.push_back(WithThousands(step.matches) + " times" +
                     (span >= kWorthTelling ? " in " + Duration(span) : ""));
  }
  std::string text;
  for (const std::string& one : detail) text += (text.empty() ? "" : ", ") + one;
  Paragraph(text, kTimeColumn + 2, "", Style::kDim);
}

// All steps of the worst rule, then the first two of each other rule that is high or worse.
void TourPage::WhatToDo(const TourIncident& incident) {
  constexpr size_t kMost = 10;
  std::vector<const TourStep*> order;
  for (const TourStep& step : incident.steps) order.push_back(&step);
  std::stable_sort(order.begin(), order.end(),
                   [](const TourStep* a, const TourStep* b) { return a->rule->level > b->rule->level; });
  std::vector<std::string> todo = order.front()->rule->owner_do;
  for (size_t i = 1; i < order.size() && order[i]->rule->level >= Level::kHigh; ++i) {
    const std::vector<std::string>& steps = order[i]->rule->owner_do;
    for (size_t k = 0; k < std::min<size_t>(2, steps.size()); ++k) {
      if (std::find(todo.begin(), todo.end(), steps[k]) == todo.end()) todo.push_back(steps[k]);
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
  const bool in_incident =
      std::any_of(tour_.incidents.begin(), tour_.incidents.end(), [&](const TourIncident& one) {
        return one.attack && std::any_of(addresses.begin(), addresses.end(), [&](const std::string& address) {
                 return one.entities.addresses.count(address) > 0;
               });
      });
  Paragraph(WithThousands(matches) + " attempts on " + Counted(tour_.attempt_days.size(), "day") + " from " +
                std::to_string(addresses.size()) + " addresses. " +
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
  for (const TourGap& gap : tour_.gaps) {
    std::string text = gap.rule->owner_meaning;
    if (!gap.hosts.empty()) text += " This holds for " + Counted(gap.hosts.size(), "computer") + ".";
    if (!gap.rule->owner_do.empty()) text += " " + gap.rule->owner_do.front();
    Paragraph(text, 4, "  -");
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
