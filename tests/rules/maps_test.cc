// The two data files beside the rules: which events a log source means, and which fields name entities.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "rules/entity_map.h"
#include "rules/rule_set.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char kLogSources[] = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
const char kEntities[] = REDTHREAD_SOURCE_DIR "/rules/entities.yml";

const LogSourceMap::Category* FindCategory(const LogSourceMap& map, const std::string& name) {
  for (const LogSourceMap::Category& c : map.categories) {
    if (c.name == name) return &c;
  }
  return nullptr;
}

const LogSourceMap::Other* FindOther(const LogSourceMap& map, const std::string& name) {
  for (const LogSourceMap::Other& o : map.others) {
    if (o.name == name) return &o;
  }
  return nullptr;
}

TEST(LogSourceMapTest, TheShippedMapKnowsWindows) {
  const Result<LogSourceMap> map = LoadLogSourceMap(kLogSources, {"core"});
  ASSERT_TRUE(map.ok()) << map.status().message();
  std::map<std::string, std::vector<std::string>> services;
  for (const LogSourceMap::Service& s : map->services) services[s.name] = s.channels;
  EXPECT_EQ(services.size(), map->services.size()) << "each service stands there once";
  EXPECT_THAT(services["security"], ElementsAre("Security"));
  EXPECT_THAT(services["powershell"],
              ElementsAre("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"));
  const LogSourceMap::Category* category = FindCategory(*map, "security-4688");
  ASSERT_NE(category, nullptr);
  EXPECT_EQ(category->category, "process_creation");
  EXPECT_EQ(category->service, "security");
  ASSERT_EQ(category->when.size(), 1u);
  EXPECT_EQ(category->when[0].field, "EventID");
  EXPECT_THAT(category->when[0].values, ElementsAre("4688"));
  EXPECT_EQ(category->renames,
            (FieldRenames{{"Image", "NewProcessName"}, {"ParentImage", "ParentProcessName"}}));
  for (const LogSourceMap::Category& c : map->categories) {
    EXPECT_TRUE(services.count(c.service)) << c.name;
    EXPECT_EQ(c.profile, "core") << c.name;
  }
}

TEST(LogSourceMapTest, TheExtendedProfileAddsSources) {
  const Result<LogSourceMap> core = LoadLogSourceMap(kLogSources, {"core"});
  const Result<LogSourceMap> both = LoadLogSourceMap(kLogSources, {"core", "extended"});
  ASSERT_TRUE(core.ok() && both.ok());
  EXPECT_EQ(FindCategory(*core, "security-5156"), nullptr);
  ASSERT_NE(FindCategory(*both, "security-5156"), nullptr);
  EXPECT_EQ(FindCategory(*both, "security-5156")->category, "network_connection");
  EXPECT_GT(both->categories.size(), core->categories.size());
}

TEST(LogSourceMapTest, TheShippedMapKnowsOtherSources) {
  const Result<LogSourceMap> map = LoadLogSourceMap(kLogSources, {"core"});
  ASSERT_TRUE(map.ok());
  const LogSourceMap::Other* zeek = FindOther(*map, "zeek");
  ASSERT_NE(zeek, nullptr);
  EXPECT_THAT(zeek->any_field_of, ElementsAre("@stream", "_path"));
  EXPECT_THAT(zeek->service_from, ElementsAre("@stream", "_path"));
  EXPECT_EQ(zeek->log_source.product, "zeek");
  EXPECT_EQ(zeek->renames.size(), 4u);
  const LogSourceMap::Other* kubernetes = FindOther(*map, "k8s-audit");
  ASSERT_NE(kubernetes, nullptr);
  EXPECT_EQ(kubernetes->log_source, (LogSource{"kubernetes", "application", "audit"}));
  ASSERT_EQ(kubernetes->all_of.size(), 2u);
  for (const char* name : {"sysmon-linux-1", "auditd", "aws-cloudtrail", "okta", "github-audit", "gcp-audit",
                           "azure-signin", "azure-audit", "azure-activity", "onelogin"}) {
    EXPECT_NE(FindOther(*map, name), nullptr) << name;
  }
}

TEST(LogSourceMapTest, EveryMistakeIsNamedWithItsPlace) {
  TemporaryFolder folder;
  const std::string path =
      folder.Write("map.yml",
                   "version: 2\n"
                   "window: []\n"
                   "windows:\n"
                   "  - service: s\n"
                   "    chanels: [x]\n"
                   "    categories:\n"
                   "      - {name: n, category: c, profile: extendet, when: {EventID: []}}\n"
                   "      - {name: n, when: {}}\n"
                   "other:\n"
                   "  - {name: o, logsource: {produkt: p}}\n"
                   "  - x\n");
  const Status status = LoadLogSourceMap(path, {"core"}).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalid);
  for (const char* expected :
       {"map.yml:1:10: the map must say `version: 1`",
        "map.yml:2:1: `window` is no key of a log source map, did you mean `windows`?",
        "map.yml:5:5: `chanels` is no key of a Windows service, did you mean `channels`?",
        "map.yml:4:5: a Windows service needs `channels`",
        "map.yml:7:41: `extendet` is no profile, did you mean `extended`?", "map.yml:7:67: no values",
        "map.yml:8:9: the entry needs `category`", "map.yml:8:9: a category needs `when`",
        "map.yml:10:27: `produkt` is no key of `logsource`, did you mean `product`?",
        "map.yml:10:5: the log source needs `fields` or `any_field_of`",
        "map.yml:11:5: an entry of `other` must be a map"}) {
    EXPECT_THAT(status.message(), HasSubstr(expected));
  }
  EXPECT_EQ(LoadLogSourceMap(folder.path() + "/none.yml", {"core"}).status().code(), StatusCode::kNotFound);
}

// ---- entities

const EntityMap::Source* SourceOf(const EntityMap& map, const LogSource& log_source) {
  for (const EntityMap::Source& s : map.sources) {
    if (s.log_source == log_source) return &s;
  }
  return nullptr;
}

const EntityField* FieldOf(const EntityMap::Source& source, const std::string& field) {
  for (const EntityField& f : source.fields) {
    if (f.field == field) return &f;
  }
  return nullptr;
}

TEST(EntityMapTest, TheShippedMapNamesHostsUsersAndAddresses) {
  const Result<EntityMap> map = LoadEntityMap(kEntities);
  ASSERT_TRUE(map.ok()) << map.status().message();
  const struct {
    LogSource log_source;
    const char* field;
    EntityKind kind;
    EntityRole role;
    const char* domain;
  } kCases[] = {
      {{"windows", "", ""}, "Computer", EntityKind::kHost, EntityRole::kObserver, ""},
      {{"windows", "", ""}, "SubjectUserName", EntityKind::kUser, EntityRole::kActor, "SubjectDomainName"},
      {{"windows", "", ""}, "TargetUserName", EntityKind::kUser, EntityRole::kTarget, "TargetDomainName"},
      {{"windows", "", ""}, "IpAddress", EntityKind::kAddress, EntityRole::kActor, ""},
      {{"", "webserver", ""}, "c-ip", EntityKind::kAddress, EntityRole::kActor, ""},
      {{"aws", "", ""}, "sourceIPAddress", EntityKind::kAddress, EntityRole::kActor, ""},
      {{"zeek", "", ""}, "id.resp_h", EntityKind::kAddress, EntityRole::kTarget, ""},
      {{"", "", ""}, "src_ip", EntityKind::kAddress, EntityRole::kActor, ""},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.field);
    const EntityMap::Source* source = SourceOf(*map, c.log_source);
    ASSERT_NE(source, nullptr);
    const EntityField* field = FieldOf(*source, c.field);
    ASSERT_NE(field, nullptr);
    EXPECT_EQ(field->kind, c.kind);
    EXPECT_EQ(field->role, c.role);
    EXPECT_EQ(field->domain, c.domain);
  }
}

TEST(EntityMapTest, NoSourceNamesAFieldTwiceAndTheLastFitsAnyEvent) {
  const Result<EntityMap> map = LoadEntityMap(kEntities);
  ASSERT_TRUE(map.ok());
  for (const EntityMap::Source& source : map->sources) {
    std::set<std::string> fields;
    for (const EntityField& f : source.fields) EXPECT_TRUE(fields.insert(f.field).second) << f.field;
    EXPECT_THAT(fields, testing::Not(IsEmpty()));
  }
  EXPECT_TRUE(map->sources.back().log_source.empty());
}

TEST(EntityMapTest, EveryMistakeIsNamedWithItsPlace) {
  TemporaryFolder folder;
  const std::string path = folder.Write("map.yml",
                                        "version: 1\n"
                                        "sources:\n"
                                        "  - logsource: {}\n"
                                        "    hosts: {}\n"
                                        "  - logsource: {product: p}\n"
                                        "    user: {acter: [x]}\n"
                                        "    host: {actor: [{field: a, domain: b}, {domain: c}]}\n"
                                        "    address: [x]\n");
  const Status status = LoadEntityMap(path).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalid);
  for (const char* expected :
       {"map.yml:4:5: `hosts` is no key of a source, did you mean `host`?",
        "map.yml:6:12: `acter` is no key of `user`, did you mean `actor`?",
        "map.yml:7:39: only users have a `domain`", "map.yml:7:43: the name of a field is missing",
        "map.yml:8:14: `address` must be a map", "map.yml:3:5: a source for any event hides those behind it",
        "map.yml:5:5: the last source must fit any event"}) {
    EXPECT_THAT(status.message(), HasSubstr(expected));
  }
}

}  // namespace
}  // namespace redthread
