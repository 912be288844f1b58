/* SPDX-License-Identifier: Apache-2.0 */
/* shape_ecs.c - an alert as a document of the Elastic Common Schema 8.11. */
#include "collector/output/shape.h"
#include "collector/output/shape_int.h"
#include "collector/output/text_part.h"
#include <ctype.h>

/* The event.category of a rule's tag. */
static const struct {
	const char *tag, *category;
} categories[] = {
	{ "process", "process" },
	{ "network", "network" },
	{ "filesystem", "file" },
	{ "users", "iam" },
};

static json_t *
time_text(uint64_t ns)
{
	char at[40];

	text_time(ns, at);
	return json_string(at);
}

static void
put_base(struct shape *s)
{
	const struct alert *a = s->a;
	const struct {
		const char *path, *value;
	} texts[] = {
		{ "ecs.version", "8.11.0" },
		{ "event.kind", "alert" },
		{ "event.module", "mews" },
		{ "event.dataset", "mews.alerts" },
		{ "event.id", a->id },
		{ "event.type[]", "info" },
		{ "rule.name", a->rule },
		{ "host.name", a->node },
		{ "host.hostname", a->node },
		{ "labels.cluster", a->cluster },
		{ "labels.priority", priority_name(a->priority) },
		{ "observer.vendor", "Mews" },
		{ "observer.product", "Mews" },
		{ "observer.type", "sensor" },
		{ "observer.version", MEWS_VERSION },
	};
	char level[24];
	size_t n = 0;

	shape_put(s, "@timestamp", time_text(a->time));
	shape_put(s, "message", shape_text(s->output));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		shape_put(s, texts[i].path, shape_text(slice_str(texts[i].value)));
	shape_put(s, "event.severity", json_integer((json_int_t) a->priority));
	for (const char *p = priority_name(a->priority); *p != '\0' && n + 1 < sizeof(level); p++)
		level[n++] = (char) tolower((unsigned char) *p);
	level[n] = '\0';
	shape_put(s, "log.level", json_string(level));
}

/* Append to a list, unless it is there. */
static void
add(struct shape *s, json_t *list, const char *text)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		if (strcmp(json_string_value(v), text) == 0)
			return;
	}
	s->failed |= json_array_append_new(list, shape_text(slice_str(text))) < 0;
}

/* Put a list, unless it is empty. Takes the reference. */
static void
put_list(struct shape *s, const char *path, json_t *list)
{
	if (json_array_size(list) > 0)
		shape_put(s, path, json_incref(list));
	s->failed |= list == NULL;
	json_decref(list);
}

static void
put_tags(struct shape *s)
{
	json_t *category = json_array(), *tactic = json_array(), *tactic_name = json_array(),
	       *technique = json_array(), *sub = json_array(), *tag;
	struct shape_attack at;
	size_t i;

	add(s, category, "intrusion_detection");
	json_array_foreach(s->tags, i, tag)
	{
		const char *text = json_string_value(tag);

		for (size_t k = 0; text != NULL && k < ARRAY_SIZE(categories); k++) {
			if (strcmp(categories[k].tag, text) == 0)
				add(s, category, categories[k].category);
		}
		if (!shape_attack(text, &at))
			continue;
		if (at.tactic != NULL) {
			add(s, tactic, at.tactic);
			add(s, tactic_name, at.tactic_name);
		} else {
			add(s, technique, at.technique);
			if (at.sub[0] != '\0')
				add(s, sub, at.sub);
		}
	}
	if (json_array_size(tactic) + json_array_size(technique) > 0)
		shape_put(s, "threat.framework", json_string("MITRE ATT&CK"));
	put_list(s, "event.category", category);
	put_list(s, "threat.tactic.id", tactic);
	put_list(s, "threat.tactic.name", tactic_name);
	put_list(s, "threat.technique.id", technique);
	put_list(s, "threat.technique.subtechnique.id", sub);
	if (json_array_size(s->tags) > 0)
		shape_put(s, "tags", json_incref(s->tags));
}

static json_t *
value_of(const struct shape_field *f, const json_t *v)
{
	char text[24];

	if (f->kind == SHAPE_TIME)
		return time_text((uint64_t) json_integer_value(v));
	if (f->kind != SHAPE_ID || !json_is_integer(v))
		return json_copy((json_t *) v);
	(void) snprintf(text, sizeof(text), "%lld", (long long) json_integer_value(v));
	return json_string(text);
}

/* The values of related.NAME, from some places. */
static void
put_related(struct shape *s, const char *path, const char *const places[2])
{
	json_t *list = json_array();

	for (size_t i = 0; i < 2 && places[i] != NULL; i++) {
		const char *text = json_string_value(shape_get(s, places[i]));

		if (text != NULL)
			add(s, list, text);
	}
	put_list(s, path, list);
}

static void
put_fields(struct shape *s)
{
	const char *res = json_string_value(json_object_get(s->fields, "evt.res"));

	for (size_t i = 0; i < shape_nfields; i++) {
		const struct shape_field *f = &shape_fields[i];
		const json_t *v = f->place[IN_ECS] == NULL ? NULL : shape_value(s, f);

		if (v != NULL)
			shape_put(s, f->place[IN_ECS], value_of(f, v));
	}
	if (res != NULL)
		shape_put(s, "event.outcome",
		    json_string(strcmp(res, "SUCCESS") == 0 ? "success" : "failure"));
	if (shape_get(s, "orchestrator") != NULL) {
		shape_put(s, "orchestrator.type", json_string("kubernetes"));
		shape_put(s, "orchestrator.cluster.name", shape_text(slice_str(s->a->cluster)));
	}
	if (shape_get(s, "orchestrator.resource") != NULL)
		shape_put(s, "orchestrator.resource.type", json_string("pod"));
	put_related(s, "related.ip", (const char *const[]){ "source.ip", "destination.ip" });
	put_related(s, "related.user", (const char *const[]){ "user.name", NULL });
	put_related(s, "related.hosts", (const char *const[]){ "host.name", NULL });
	if (s->fields != NULL)
		shape_put(s, "falco.fields", json_incref(s->fields));
}

void
shape_ecs(struct buf *b, const struct alert *a)
{
	json_t *source;
	struct shape s;

	shape_init(&s, a);
	put_base(&s);
	put_tags(&s);
	source = json_object_get(s.root, "source");
	if (json_is_string(source))
		shape_put(&s, "event.provider", json_incref(source));
	put_fields(&s);
	shape_dump(&s, b);
	shape_fini(&s);
}
