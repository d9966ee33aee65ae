#include "rules/condition.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "rules/nearest_name.h"

namespace redthread {
namespace {

using Kind = ConditionNode::Kind;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '*' ||
         c == '-';
}

// Whether `text` is the keyword (given in lower case), in any case.
bool IsKeyword(std::string_view text, std::string_view keyword) {
  return text.size() == keyword.size() &&
         std::equal(text.begin(), text.end(), keyword.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

struct Token {
  std::string_view text;  // empty at the end
  size_t offset = 0;
};

class ConditionParser {
 public:
  ConditionParser(std::string_view text, const std::vector<std::string_view>& names, std::string_view what,
                  ConditionError* error)
      : text_(text), names_(names), what_(what), error_(error) {}

  bool Parse(ConditionNode* out) {
    if (text_.size() > kMaxConditionLength) return Fail(0, "the condition is longer than 64 KiB, shorten it");
    if (!Tokenize() || !ParseOr(out, 0)) return false;
    const Token& rest = Peek();
    if (rest.text.empty()) return true;
    if (rest.text == ")") return Fail(rest.offset, "`)` without `(`, remove it");
    return Fail(rest.offset, "`" + std::string(rest.text) + "` stands where `and` or `or` is expected");
  }

 private:
  bool Fail(size_t offset, std::string message) {
    *error_ = {offset, std::move(message)};
    return false;
  }

  bool Tokenize() {
    for (size_t i = 0; i < text_.size();) {
      if (IsSpace(text_[i])) {
        ++i;
        continue;
      }
      const size_t start = i;
      if (text_[i] == '(' || text_[i] == ')') {
        ++i;
      } else {
        while (i < text_.size() && IsWordCharacter(text_[i])) ++i;
        if (i == start) return FailAtCharacter(i);
      }
      tokens_.push_back({text_.substr(start, i - start), start});
    }
    tokens_.push_back({{}, text_.size()});
    return true;
  }

  bool FailAtCharacter(size_t i) {
    if (text_[i] == '|') {
      return Fail(i,
                  "aggregations (`| count() ...`, Sigma 1) are not supported, write a `correlation:` rule");
    }
    size_t end = i;
    NextCodePoint(text_, &end);
    return Fail(
        i, "`" + std::string(text_.substr(i, end - i)) +
               "` has no place in a condition, which has names, `and`, `or`, `not`, `1 of`, `all of` and "
               "parentheses");
  }

  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(position_ + ahead, tokens_.size() - 1)];
  }

  bool AddNode(size_t offset) {
    if (++nodes_ <= kMaxConditionNodes) return true;
    return Fail(offset, "the condition has more than " + std::to_string(kMaxConditionNodes) +
                            " terms once its selectors are written out, split the rule");
  }

  bool ParseOr(ConditionNode* out, int depth) { return ParseList(out, depth, Kind::kOr, "or"); }

  // One operand, or several joined by `keyword`.
  bool ParseList(ConditionNode* out, int depth, Kind kind, std::string_view keyword) {
    if (!ParseOperand(out, depth, kind)) return false;
    if (!IsKeyword(Peek().text, keyword)) return true;
    ConditionNode list;
    list.kind = kind;
    list.children.push_back(std::move(*out));
    while (IsKeyword(Peek().text, keyword)) {
      ++position_;
      if (!ParseOperand(&list.children.emplace_back(), depth, kind)) return false;
    }
    *out = std::move(list);
    return true;
  }

  bool ParseOperand(ConditionNode* out, int depth, Kind kind) {
    return kind == Kind::kOr ? ParseList(out, depth, Kind::kAnd, "and") : ParseNot(out, depth);
  }

  bool ParseNot(ConditionNode* out, int depth) {
    if (!IsKeyword(Peek().text, "not")) return ParsePrimary(out, depth);
    const size_t offset = Peek().offset;
    if (depth >= kMaxConditionDepth) return FailTooDeep(offset);
    ++position_;
    out->kind = Kind::kNot;
    return AddNode(offset) && ParseNot(&out->children.emplace_back(), depth + 1);
  }

  bool FailTooDeep(size_t offset) {
    return Fail(offset, "the condition is nested deeper than " + std::to_string(kMaxConditionDepth) +
                            " levels, write it flatter");
  }

  bool ParsePrimary(ConditionNode* out, int depth) {
    const Token token = Peek();
    if (token.text.empty()) {
      return Fail(token.offset, text_.empty() ? "the condition is empty, name a search"
                                              : "the condition ends too early, a name is missing");
    }
    if (token.text == "(") return ParseParentheses(out, depth);
    if (token.text == ")" || IsKeyword(token.text, "and") || IsKeyword(token.text, "or")) {
      return Fail(token.offset, "`" + std::string(token.text) + "` stands where a name is expected");
    }
    const bool all = IsKeyword(token.text, "all");
    if ((all || token.text == "1" || IsKeyword(token.text, "any")) && IsKeyword(Peek(1).text, "of")) {
      position_ += 2;
      return ParseSelector(out, all ? Kind::kAnd : Kind::kOr);
    }
    ++position_;
    return ParseName(out, token);
  }

  bool ParseParentheses(ConditionNode* out, int depth) {
    const size_t offset = Peek().offset;
    if (depth >= kMaxConditionDepth) return FailTooDeep(offset);
    ++position_;
    if (!ParseOr(out, depth + 1)) return false;
    if (Peek().text != ")") return Fail(offset, "`(` is never closed, add `)`");
    ++position_;
    return true;
  }

  bool ParseName(ConditionNode* out, const Token& token) {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] != token.text) continue;
      out->kind = Kind::kSearch;
      out->search = static_cast<uint32_t>(i);
      return AddNode(token.offset);
    }
    const std::string name(token.text);
    if (name.find('*') != std::string::npos) {
      return Fail(token.offset,
                  "`" + name + "` needs a selector, write `1 of " + name + "` or `all of " + name + "`");
    }
    if (!token.text.empty() && token.text.find_first_not_of("0123456789") == std::string_view::npos &&
        IsKeyword(Peek().text, "of")) {
      return Fail(token.offset, "`" + name + " of` is not supported, write `1 of`, `any of` or `all of`");
    }
    return Fail(token.offset,
                "`" + name + "` is no " + std::string(what_) +
                    Suggestion(name, names_, names_.empty() ? "" : ", it has " + JoinSomeNames()));
  }

  bool ParseSelector(ConditionNode* out, Kind kind) {
    const Token token = Peek();
    if (token.text.empty() || token.text == "(" || token.text == ")") {
      return Fail(token.offset, "a pattern is missing after `of`, write `them` or a name with `*`");
    }
    ++position_;
    out->kind = kind;
    const bool them = IsKeyword(token.text, "them");
    const Pattern pattern = Pattern::Parse(them ? "*" : token.text);
    const bool hidden_too = !them && token.text[0] == '_';
    for (size_t i = 0; i < names_.size(); ++i) {
      if (!hidden_too && !names_[i].empty() && names_[i][0] == '_') continue;
      if (!Matches(pattern, names_[i])) continue;
      ConditionNode& leaf = out->children.emplace_back();
      leaf.search = static_cast<uint32_t>(i);
      if (!AddNode(token.offset)) return false;
    }
    if (out->children.empty()) {
      return Fail(token.offset, "`of " + std::string(token.text) + "` matches no " + std::string(what_) +
                                    (names_.empty() ? "" : ", it has " + JoinSomeNames()));
    }
    if (out->children.size() == 1) {
      ConditionNode only = std::move(out->children[0]);
      *out = std::move(only);
    }
    return true;
  }

  std::string JoinSomeNames() const {
    constexpr size_t kShown = 8;
    std::vector<std::string_view> some(names_.begin(), names_.begin() + std::min(names_.size(), kShown));
    const std::string more = std::to_string(names_.size() - some.size()) + " more";
    if (names_.size() > kShown) some.push_back(more);
    return JoinNames(some);
  }

  std::string_view text_;
  const std::vector<std::string_view>& names_;
  std::string_view what_;
  ConditionError* error_;
  std::vector<Token> tokens_;
  size_t position_ = 0;
  size_t nodes_ = 0;
};

// Binding strength: a child that binds weaker than its parent needs parentheses.
int Strength(Kind kind) {
  switch (kind) {
    case Kind::kOr:
      return 0;
    case Kind::kAnd:
      return 1;
    case Kind::kNot:
      return 2;
    case Kind::kSearch:
      break;
  }
  return 3;
}

void AppendConditionText(const ConditionNode& node, const std::vector<std::string_view>& names,
                         std::string* out) {
  if (node.kind == Kind::kSearch) {
    *out += names[node.search];
    return;
  }
  if (node.kind == Kind::kNot) *out += "not ";
  for (size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) *out += node.kind == Kind::kAnd ? " and " : " or ";
    const ConditionNode& child = node.children[i];
    // Lists within lists of the same kind keep their parentheses, so that the tree stays the same.
    const bool parentheses =
        Strength(child.kind) < Strength(node.kind) || (child.kind == node.kind && node.kind != Kind::kNot);
    if (parentheses) *out += '(';
    AppendConditionText(child, names, out);
    if (parentheses) *out += ')';
  }
}

}  // namespace

bool ParseCondition(std::string_view text, const std::vector<std::string_view>& names,
                    ConditionNode* condition, ConditionError* error, std::string_view what) {
  *condition = {};
  return ConditionParser(text, names, what, error).Parse(condition);
}

std::string ConditionText(const ConditionNode& condition, const std::vector<std::string_view>& names) {
  std::string text;
  AppendConditionText(condition, names, &text);
  return text;
}

}  // namespace redthread
