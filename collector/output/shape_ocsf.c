/* SPDX-License-Identifier: Apache-2.0 */
/* shape_ocsf.c - an alert as a Detection Finding of OCSF 1.5.0, with the profiles host, container
 * and security_control. */
#include "collector/output/shape.h"
#include "collector/output/shape_int.h"
#include "common/clock.h"

enum {
	CLASS_DETECTION_FINDING = 2004,
	CATEGORY_FINDINGS = 2,
	ANALYTIC_RULE = 1,
	ACTION_OBSERVED = 3,
	DISPOSITION_DETECTED = 15,
	UNKNOWN = 0,
};

static const struct {
	int id;
	const char *name;
} severities[] = {
	[PRIO_EMERGENCY] = { 6, "Fatal" },
	[PRIO_ALERT] = { 6, "Fatal" },
	[PRIO_CRITICAL] = { 5, "Critical" },
	[PRIO_ERROR] = { 4, "High" },
	[PRIO_WARNING] = { 3, "Medium" },
	[PRIO_NOTICE] = { 2, "Low" },
	[PRIO_INFORMATIONAL] = { 1, "Informational" },
	[PRIO_DEBUG] = { 1, "Informational" },
};

/* An alert begins a finding, or says that an earlier one is over. */
static const struct stage {
	int activity, status;
	const char *name, *type_name, *status_name, *time;
} create = { 1, 1, "Create", "Detection Finding: Create", "New", "finding_info.created_time" },
  closing = { 3, 4, "Close", "Detection Finding: Close", "Resolved", "finding_info.modified_time" };

static json_t *
milliseconds(uint64_t ns)
{
	return json_integer((json_int_t) (ns / NS_PER_MS));
}

static void
put_base(struct shape *s)
{
	const struct alert *a = s->a;
	const char *ended = json_string_value(json_object_get(s->fields, "mews.resolves"));
	const struct stage *at = ended == NULL ? &create : &closing;
	const struct {
		const char *path;
		int value;
	} numbers[] = {
		{ "activity_id", at->activity },
		{ "category_uid", CATEGORY_FINDINGS },
		{ "class_uid", CLASS_DETECTION_FINDING },
		{ "type_uid", CLASS_DETECTION_FINDING * 100 + at->activity },
		{ "severity_id", severities[a->priority].id },
		{ "status_id", at->status },
		{ "action_id", ACTION_OBSERVED },
		{ "disposition_id", DISPOSITION_DETECTED },
		{ "finding_info.analytic.type_id", ANALYTIC_RULE },
		{ "device.type_id", UNKNOWN },
	};
	const struct {
		const char *path, *value;
	} texts[] = {
		{ "activity_name", at->name },
		{ "category_name", "Findings" },
		{ "class_name", "Detection Finding" },
		{ "type_name", at->type_name },
		{ "severity", severities[a->priority].name },
		{ "status", at->status_name },
		{ "metadata.version", "1.5.0" },
		{ "metadata.product.name", "Mews" },
		{ "metadata.product.vendor_name", "Mews" },
		{ "metadata.product.version", MEWS_VERSION },
		{ "metadata.uid", a->id },
		{ "finding_info.uid", ended == NULL ? a->id : ended },
		{ "finding_info.title", a->rule },
		{ "finding_info.analytic.name", a->rule },
		{ "finding_info.analytic.type", "Rule" },
		{ "device.hostname", a->node },
		{ "device.name", a->node },
		{ "device.groups[].name", a->cluster },
		{ "unmapped.priority", priority_name(a->priority) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		shape_put(s, numbers[i].path, json_integer(numbers[i].value));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		shape_put(s, texts[i].path, shape_text(slice_str(texts[i].value)));
	shape_put(s, "time", milliseconds(a->time));
	shape_put(s, at->time, milliseconds(a->time));
	shape_put(s, "is_alert", json_true());
	shape_put(s, "message", shape_text(s->output));
	shape_put(
	    s, "metadata.profiles", json_pack("[s,s,s]", "host", "container", "security_control"));
}

static void
set(struct shape *s, json_t *object, const char *key, json_t *value)
{
	s->failed |= json_object_set_new(object, key, value) < 0;
}

/* An element of attacks. */
static json_t *
attack(struct shape *s, const struct shape_attack *at)
{
	json_t *one = json_object();

	if (at->technique[0] != '\0')
		set(s, one, "technique", json_pack("{s:s}", "uid", at->technique));
	if (at->sub[0] != '\0')
		set(s, one, "sub_technique", json_pack("{s:s}", "uid", at->sub));
	if (at->tactic != NULL)
		set(s, one, "tactic",
		    json_pack("{s:s, s:s}", "uid", at->tactic, "name", at->tactic_name));
	return one;
}

/* The only tactic among the tags, if there are techniques too: theirs. */
static struct shape_attack
common_tactic(const struct shape *s)
{
	struct shape_attack at, tactic = { 0 };
	size_t i, ntactics = 0, ntechniques = 0;
	json_t *tag;

	json_array_foreach(s->tags, i, tag)
	{
		if (!shape_attack(json_string_value(tag), &at))
			continue;
		if (at.tactic != NULL)
			tactic = at;
		ntactics += at.tactic != NULL;
		ntechniques += at.tactic == NULL;
	}
	return ntactics == 1 && ntechniques > 0 ? tactic : (struct shape_attack){ 0 };
}

/* Each technique is an element of attacks, with its tactic if that is known, else each tactic. */
static void
put_attacks(struct shape *s)
{
	struct shape_attack at, tactic = common_tactic(s);
	json_t *list = json_array(), *types = json_array(), *tag;
	size_t i;

	json_array_foreach(s->tags, i, tag)
	{
		if (!shape_attack(json_string_value(tag), &at)) {
			s->failed |= json_array_append(types, tag) < 0;
			continue;
		}
		if (tactic.tactic != NULL && at.tactic != NULL)
			continue;
		if (at.tactic == NULL) {
			at.tactic = tactic.tactic;
			at.tactic_name = tactic.tactic_name;
		}
		s->failed |= json_array_append_new(list, attack(s, &at)) < 0;
	}
	if (json_array_size(list) > 0)
		shape_put(s, "finding_info.attacks", json_incref(list));
	if (json_array_size(types) > 0)
		shape_put(s, "finding_info.types", json_incref(types));
	s->failed |= list == NULL || types == NULL;
	json_decref(list);
	json_decref(types);
}

static json_t *
value_of(const struct shape_field *f, const json_t *v)
{
	char text[24];

	if (f->kind == SHAPE_TIME)
		return milliseconds((uint64_t) json_integer_value(v));
	if (f->kind != SHAPE_ID || !json_is_integer(v))
		return json_copy((json_t *) v);
	(void) snprintf(text, sizeof(text), "%lld", (long long) json_integer_value(v));
	return json_string(text);
}

/* The last part of a path. */
static json_t *
base_name(const json_t *path)
{
	const char *text = json_string_value(path), *slash;

	if (text == NULL)
		return NULL;
	slash = strrchr(text, '/');
	return json_string(slash == NULL || slash[1] == '\0' ? text : slash + 1);
}

/* A process has a pid or a uid; a rule's output may name neither. */
static void
complete_process(struct shape *s, const char *process, const char *pid, const char *uid)
{
	if (shape_get(s, process) != NULL && shape_get(s, pid) == NULL)
		shape_put(s, uid, json_string("unknown"));
}

/* What the schema requires beside what the alert has. */
static void
complete(struct shape *s)
{
#define PROCESS "evidences[].process"
#define PARENT  PROCESS ".parent_process"
	const json_t *file = shape_get(s, "evidences[].file.path"),
		     *image = shape_get(s, "evidences[].container.image.name"),
		     *ns = shape_get(s, "resources[].namespace");

	complete_process(s, PROCESS, PROCESS ".pid", PROCESS ".uid");
	complete_process(s, PARENT, PARENT ".pid", PARENT ".uid");
	if (file != NULL) {
		shape_put(s, "evidences[].file.name", base_name(file));
		shape_put(s, "evidences[].file.type_id", json_integer(UNKNOWN));
	}
	if (shape_get(s, "evidences[].container.image") != NULL)
		shape_put(s, "evidences[].container.image.uid",
		    image != NULL ? json_copy((json_t *) image) : json_string("unknown"));
	if (shape_get(s, "evidences[].container") != NULL &&
	    shape_get(s, "evidences[].container.uid") == NULL &&
	    shape_get(s, "evidences[].container.name") == NULL)
		shape_put(s, "evidences[].container.name", json_string("unknown"));
	if (shape_get(s, "evidences[].connection_info") != NULL)
		shape_put(s, "evidences[].connection_info.direction_id", json_integer(UNKNOWN));
	if (shape_get(s, "resources") == NULL)
		return;
	shape_put(s, "resources[].type",
	    json_string(shape_get(s, "resources[].name") != NULL ? "pod" : "namespace"));
	if (ns != NULL)
		shape_put(s, "resources[].name", json_copy((json_t *) ns));
}

static void
put_fields(struct shape *s)
{
	json_t *rest = json_deep_copy(s->fields);

	for (size_t i = 0; i < shape_nfields; i++) {
		const struct shape_field *f = &shape_fields[i];
		const json_t *v = f->place[IN_OCSF] == NULL ? NULL : shape_value(s, f);

		if (v == NULL)
			continue;
		if (shape_get(s, f->place[IN_OCSF]) == NULL)
			(void) json_object_del(rest, f->name);
		shape_put(s, f->place[IN_OCSF], value_of(f, v));
	}
	complete(s);
	if (s->fields != NULL)
		shape_put(s, "evidences[].data", rest);
}

void
shape_ocsf(struct buf *b, const struct alert *a)
{
	json_t *source;
	struct shape s;

	shape_init(&s, a);
	put_base(&s);
	put_attacks(&s);
	source = json_object_get(s.root, "source");
	if (json_is_string(source))
		shape_put(&s, "finding_info.data_sources[]", json_incref(source));
	put_fields(&s);
	shape_dump(&s, b);
	shape_fini(&s);
}
