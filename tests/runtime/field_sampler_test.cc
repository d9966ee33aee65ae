#include "runtime/field_sampler.h"

#include <gmock/gmock.h>

#include "core/decoder.h"
#include "ingest/json_decoder.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Names = std::vector<std::string>;

class FieldSamplerTest : public testing::Test {
 protected:
  FieldSamplerTest() { JsonDecoder::RegisterFields(&fields_); }
  Names Of(SourceId source, const std::string& json) {
    record_ = json;
    record_.append(Decoder::kPadding, '\0');
    event_.Clear(fields_);
    JsonDecoder(fields_).Decode({record_.data(), json.size()}, &event_);
    Names names;
    sampler_.Sample(source, event_, &names);
    return names;
  }
  FieldTable fields_;
  Event event_;
  std::string record_;
  FieldSampler sampler_;
};

TEST_F(FieldSamplerTest, EachPathIsToldOnceASource) {
  const std::string nested = R"({"a":1,"b":{"c":"x","d":[1,{"e":2}]},"f":[],"g":{}})";
  EXPECT_THAT(Of(1, nested), ElementsAre("a", "b.c", "b.d", "b.d.e", "f", "g"));
  EXPECT_THAT(Of(1, nested), IsEmpty());
  EXPECT_THAT(Of(1, R"({"a":2,"h":1})"), ElementsAre("h"));
  EXPECT_THAT(Of(2, R"({"a":2})"), ElementsAre("a"));
}

TEST_F(FieldSamplerTest, WhatANameSaysIsNoPathOfAnother) {
  EXPECT_THAT(Of(1, R"({"":1,"a.b":2})"), ElementsAre("", "a.b"));
}

TEST_F(FieldSamplerTest, NoRecordMakesItGrowBeyondItsLimits) {
  std::string wide = "{", deep;
  for (int n = 0; n < 100'000; ++n) wide += (n == 0 ? "\"n" : ",\"n") + std::to_string(n) + "\":1";
  for (int n = 0; n < 60; ++n) deep += "{\"d\":";
  EXPECT_EQ(Of(1, wide + "}").size(), FieldSampler::kMaxNames);
  EXPECT_THAT(Of(1, deep + "1" + std::string(60, '}')), ElementsAre("d.d.d.d.d.d.d.d"));
}

TEST_F(FieldSamplerTest, TheSampleGetsThinnerWithinABatch) {
  std::vector<size_t> wanted;
  for (size_t n = 0; n < 100; ++n) {
    if (FieldSampler::Wants(n)) wanted.push_back(n);
  }
  EXPECT_THAT(wanted, ElementsAre(0, 1, 3, 7, 15, 31, 63));
}

}  // namespace
}  // namespace redthread
