#include "app/completion_command.h"

#include <CLI/CLI.hpp>
#include <cctype>
#include <vector>

#include "app/exit_code.h"

namespace redthread {
namespace {

// One option as shells see it.
struct Flag {
  std::vector<std::string> names;    // "-o", "--output"
  std::vector<std::string> choices;  // of its value, when there are few
  bool takes_value = false;
  bool takes_path = false;
  std::string description;
};

// One command as shells see it.
struct Node {
  std::string path;                                           // "rules check", empty for redthread itself
  std::vector<std::pair<std::string, std::string>> commands;  // name, summary
  std::vector<Flag> flags;                                    // its own and the global ones
  std::vector<std::string> words;                             // choices of its first argument
};

std::vector<std::string> ChoicesIn(const std::string& type_name) {
  std::vector<std::string> choices;
  if (type_name.find('|') == std::string::npos) return choices;
  size_t begin = 0;
  for (size_t bar = 0; bar != std::string::npos; begin = bar + 1) {
    bar = type_name.find('|', begin);
    choices.push_back(type_name.substr(begin, bar == std::string::npos ? bar : bar - begin));
  }
  return choices;
}

Flag FlagOf(const CLI::Option& option) {
  Flag flag;
  for (const std::string& s : option.get_snames()) flag.names.push_back("-" + s);
  for (const std::string& l : option.get_lnames()) flag.names.push_back("--" + l);
  const std::string type = option.get_type_size() == 0 ? "" : option.get_type_name();
  flag.takes_value = !type.empty();
  flag.takes_path = type == "FILE" || type == "DIR" || type == "RULES" || type == "PATH";
  flag.choices = ChoicesIn(type);
  flag.description = option.get_description();
  return flag;
}

void Collect(const CLI::App& app, const std::string& path, std::vector<Node>* nodes) {
  Node node;
  node.path = path;
  for (const CLI::App* a = &app; a != nullptr; a = a->get_parent()) {
    for (const CLI::Option* o : a->get_options({})) {
      if (o->get_positional()) {
        if (a == &app) node.words = ChoicesIn(o->get_type_name());
      } else if (a == &app || o->get_name() != "--help") {
        node.flags.push_back(FlagOf(*o));
      }
    }
  }
  for (const CLI::App* sub : app.get_subcommands({})) {
    node.commands.emplace_back(sub->get_name(), sub->get_description());
  }
  nodes->push_back(node);
  for (const CLI::App* sub : app.get_subcommands({})) {
    Collect(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), nodes);
  }
}

std::string Join(const std::vector<std::string>& words, const char* separator) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : separator) + w;
  return out;
}

// Within single quotes of bash, zsh and fish alike.
std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// What can follow a command: its own commands, its flags, the choices of its argument.
std::string WordsAfter(const Node& node) {
  std::vector<std::string> words = node.words;
  for (const auto& c : node.commands) words.push_back(c.first);
  for (const Flag& f : node.flags) words.push_back(f.names.back());
  return Join(words, " ");
}

// The two tables that bash and zsh share: what follows a command, and what an option's value may be.
std::string CaseTables(const std::vector<Node>& nodes) {
  std::string out = "  case \"$route|$previous\" in\n";
  for (const Node& node : nodes) {
    for (const Flag& f : node.flags) {
      if (!f.takes_value) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : f.names) patterns.push_back(Quoted(node.path + "|" + name));
      out += "    " + Join(patterns, "|") + ") values=" + Quoted(Join(f.choices, " "));
      out += f.takes_path ? "; kind=path ;;\n" : "; kind=value ;;\n";
    }
  }
  out += "  esac\n  case \"$route\" in\n";
  for (const Node& node : nodes) {
    out += "    " + Quoted(node.path) + ") candidates=" + Quoted(WordsAfter(node)) + " ;;\n";
  }
  return out + "  esac\n";
}

// The commands that a word can belong to, as a pattern of `case`: a word that is none of them ends the path.
std::string PathPattern(const std::vector<Node>& nodes) {
  std::vector<std::string> paths;
  for (const Node& node : nodes) {
    if (!node.path.empty()) paths.push_back(Quoted(node.path));
  }
  return Join(paths, "|");
}

std::string BashScript(const std::vector<Node>& nodes) {
  return "# bash completion for redthread: eval \"$(redthread completion bash)\"\n"
         "_redthread() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local route='' candidates='' values='' kind='' word next i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    next=${route:+$route }$word\n"
         "    case \"$next\" in " +
         PathPattern(nodes) +
         ") route=$next ;; esac\n"
         "  done\n" +
         CaseTables(nodes) +
         "  COMPREPLY=()\n"
         "  case \"$kind\" in\n"
         "    path) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
         "    value) COMPREPLY=($(compgen -W \"$values\" -- \"$current\")) ;;\n"
         "    *) COMPREPLY=($(compgen -W \"$candidates\" -- \"$current\"))\n"
         "       [[ ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _redthread redthread\n";
}

std::string ZshScript(const std::vector<Node>& nodes) {
  return "#compdef redthread\n"
         "# zsh completion for redthread: redthread completion zsh > \"${fpath[1]}/_redthread\"\n"
         "_redthread() {\n"
         "  local previous=${words[CURRENT-1]} route='' candidates='' values='' kind='' word next i\n"
         "  for ((i = 2; i < CURRENT; i++)); do\n"
         "    word=${words[i]}\n"
         "    next=${route:+$route }$word\n"
         "    case \"$next\" in " +
         PathPattern(nodes) +
         ") route=$next ;; esac\n"
         "  done\n" +
         CaseTables(nodes) +
         "  case \"$kind\" in\n"
         "    path) _files ;;\n"
         "    value) compadd -- ${=values} ;;\n"
         "    *) compadd -- ${=candidates}; _files ;;\n"
         "  esac\n"
         "}\n"
         "compdef _redthread redthread\n";
}

// fish asks for a condition: all words of the command are there.
std::string FishCondition(const Node& node) {
  if (node.path.empty()) return "__fish_use_subcommand";
  std::string condition;
  for (size_t begin = 0; begin <= node.path.size();) {
    const size_t space = std::min(node.path.find(' ', begin), node.path.size());
    condition += (condition.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") +
                 node.path.substr(begin, space - begin);
    begin = space + 1;
  }
  return condition;
}

std::string FishFlag(const Flag& flag, const std::string& condition) {
  std::string out = "complete -c redthread";
  if (!condition.empty()) out += " -n " + Quoted(condition);
  for (const std::string& name : flag.names) {
    out += name.compare(0, 2, "--") == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (flag.takes_value) out += flag.takes_path ? " -r -F" : " -x";
  if (!flag.choices.empty()) out += " -a " + Quoted(Join(flag.choices, " "));
  return out + " -d " + Quoted(flag.description) + "\n";
}

std::string FishScript(const std::vector<Node>& nodes) {
  std::string out = "# fish completion for redthread: redthread completion fish | source\n";
  for (const Node& node : nodes) {
    const std::string condition = FishCondition(node);
    for (const auto& [name, summary] : node.commands) {
      out += "complete -c redthread -n " + Quoted(condition) + " -f -a " + name + " -d " + Quoted(summary) +
             "\n";
    }
    if (!node.words.empty()) {
      out +=
          "complete -c redthread -n " + Quoted(condition) + " -f -a " + Quoted(Join(node.words, " ")) + "\n";
    }
    // Global options are said once, without a condition.
    const size_t own = node.path.empty() ? node.flags.size() : node.flags.size() - nodes[0].flags.size() + 1;
    for (size_t i = 0; i < own; ++i) out += FishFlag(node.flags[i], node.path.empty() ? "" : condition);
  }
  return out;
}

}  // namespace

std::string CompletionScript(const CLI::App& root, Shell shell) {
  std::vector<Node> nodes;
  Collect(root, "", &nodes);
  if (shell == Shell::kBash) return BashScript(nodes);
  return shell == Shell::kZsh ? ZshScript(nodes) : FishScript(nodes);
}

void AddCompletionCommand(CommandTree* tree) {
  auto name = std::make_shared<std::string>();
  const CLI::App* root = tree->root();
  CLI::App* app = tree->Add(tree->root(),
                            {"completion",
                             "a script that lets your shell complete redthread's commands",
                             {"eval \"$(redthread completion bash)\"         in ~/.bashrc",
                              "redthread completion fish | source          in config.fish"}},
                            [name, root](CommandContext*) {
                              Shell shell = Shell::kBash;
                              if (*name == "zsh") shell = Shell::kZsh;
                              if (*name == "fish") shell = Shell::kFish;
                              std::fputs(CompletionScript(*root, shell).c_str(), stdout);
                              return static_cast<int>(kExitDone);
                            });
  AddChoice(app, "SHELL", name.get(), {"bash", "zsh", "fish"}, "which shell")->required();
}

}  // namespace redthread
