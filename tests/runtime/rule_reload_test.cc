// RuleReload: changed rules are taken up once, whole, and only when they are no longer being written.
#include "runtime/rule_reload.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/runtime/runtime_fixture.h"

namespace redthread {
namespace {

class RuleReloadTest : public RuntimeTest {
 protected:
  RuleReloadTest() {
    std::filesystem::create_directories(Path("rules/deeper"));
    Write("rules/a.yml", "one");
    Write("rules/deeper/b.yaml", "two");
    Write("site.yml", "three");
  }

  std::unique_ptr<RuleReload> Start(bool watch) {
    RuleReload::Options options;
    options.paths = {Path("rules"), Path("site.yml")};
    options.watch = watch;
    options.load = [this] {
      ++loads_;
      if (while_loading_) while_loading_();
      return RuleReload::Loaded{nullptr, next_, Status::Ok()};
    };
    return std::make_unique<RuleReload>(std::move(options), &clock_);
  }

  // One look, if it is time for one, to its end. Whether it brought a set.
  bool Look(RuleReload* reload) {
    clock_.Advance(std::chrono::seconds(2));
    for (;;) {
      const std::optional<RuleReload::Loaded> loaded = reload->Poll();
      if (loaded.has_value()) {
        EXPECT_EQ(loaded->engine, next_);
      }
      if (!reload->looking()) return loaded.has_value();
      std::this_thread::yield();
    }
  }

  ReplayClock clock_{Timestamp{}};
  std::shared_ptr<const Engine> next_ = engine_;
  std::function<void()> while_loading_;
  std::atomic<int> loads_{0};
};

TEST_F(RuleReloadTest, LoadsWhatChangedOnceItStaysAsItIs) {
  const std::vector<std::pair<const char*, std::function<void()>>> changes = {
      {"a file is written", [this] { Write("rules/a.yml", "longer"); }},
      {"a file of a folder below is written", [this] { Write("rules/deeper/b.yaml", "longer"); }},
      {"a file is added", [this] { Write("rules/deeper/c.yml", ""); }},
      {"a file is renamed", [this] { std::filesystem::rename(Path("rules/a.yml"), Path("rules/d.yml")); }},
      {"a file is removed", [this] { std::filesystem::remove(Path("rules/deeper/c.yml")); }},
      {"another file that is read", [this] { Write("site.yml", "longer"); }},
      {"all of them go", [this] { std::filesystem::remove_all(Path("rules")); }},
      {"a folder comes back",
       [this] {
         std::filesystem::create_directory(Path("rules"));
         Write("rules/a.yml", "1");
       }},
      {"a file takes the place of one of the same size",
       [this] { std::filesystem::rename(Write("rules/new", "2"), Path("rules/a.yml")); }},
  };
  const std::unique_ptr<RuleReload> reload = Start(true);
  EXPECT_FALSE(Look(reload.get()));
  for (const auto& [what, change] : changes) {
    SCOPED_TRACE(what);
    change();
    EXPECT_FALSE(Look(reload.get())) << "it may still be written";
    EXPECT_TRUE(Look(reload.get()));
    EXPECT_FALSE(Look(reload.get())) << "it is loaded already";
  }
  EXPECT_EQ(loads_, static_cast<int>(changes.size()));
  Write("rules/notes.txt", "no rule");
  EXPECT_FALSE(Look(reload.get()));
  EXPECT_FALSE(Look(reload.get()));
}

TEST_F(RuleReloadTest, WaitsForASetThatIsStillBeingWritten) {
  const std::unique_ptr<RuleReload> reload = Start(true);
  for (int n = 0; n < 5; ++n) {
    Write("rules/new" + std::to_string(n) + ".yml", "");
    EXPECT_FALSE(Look(reload.get()));
  }
  EXPECT_TRUE(Look(reload.get()));
}

TEST_F(RuleReloadTest, WhatChangedWhileItWasLoadedIsLoadedAgain) {
  const std::unique_ptr<RuleReload> reload = Start(true);
  while_loading_ = [this] { Write("rules/a.yml", "written meanwhile"); };
  Write("rules/a.yml", "longer");
  EXPECT_FALSE(Look(reload.get()));
  EXPECT_FALSE(Look(reload.get())) << "it may be half of the one and half of the other";
  EXPECT_EQ(loads_, 1);
  while_loading_ = nullptr;
  EXPECT_FALSE(Look(reload.get()));
  EXPECT_TRUE(Look(reload.get()));
  EXPECT_EQ(loads_, 2);
}

TEST_F(RuleReloadTest, ARefusedSetIsToldOnceAndNotTriedAgainUntilItChanges) {
  const std::unique_ptr<RuleReload> reload = Start(true);
  next_ = nullptr;
  Write("rules/a.yml", "bad");
  EXPECT_FALSE(Look(reload.get()));
  EXPECT_TRUE(Look(reload.get()));
  for (int n = 0; n < 3; ++n) EXPECT_FALSE(Look(reload.get()));
  Write("rules/a.yml", "better");
  EXPECT_FALSE(Look(reload.get()));
  EXPECT_TRUE(Look(reload.get()));
}

TEST_F(RuleReloadTest, ARequestLoadsAtOnceAndUnwatchedRulesOnlyThen) {
  for (const bool watch : {false, true}) {
    loads_ = 0;
    const std::unique_ptr<RuleReload> reload = Start(watch);
    reload->Request();
    EXPECT_TRUE(Look(reload.get())) << "though nothing changed";
    EXPECT_FALSE(Look(reload.get()));
    EXPECT_EQ(loads_, 1);
    Write("rules/a.yml", watch ? "longer" : "longer still");
    if (!watch) {
      EXPECT_FALSE(Look(reload.get()) || Look(reload.get()));
    }
    reload->Request();
    EXPECT_TRUE(Look(reload.get()));
    EXPECT_FALSE(Look(reload.get()) || Look(reload.get())) << "what a request loaded is not loaded again";
  }
}

TEST_F(RuleReloadTest, ALoadThatThrowsIsARefusedSet) {
  const std::unique_ptr<RuleReload> reload = Start(false);
  while_loading_ = [] { throw std::bad_alloc(); };
  reload->Request();
  std::optional<RuleReload::Loaded> loaded;
  while (!loaded.has_value()) loaded = reload->Poll();
  EXPECT_EQ(loaded->engine, nullptr);
  EXPECT_NE(loaded->status.message().find("cannot be loaded"), std::string::npos);
  EXPECT_FALSE(reload->looking());
}

}  // namespace
}  // namespace redthread
