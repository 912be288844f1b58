/* SPDX-License-Identifier: Apache-2.0 */
/* container_probe.c - health checks and probes: commands that a runtime runs in a container. */
#include "sensor/container_read.h"
#include <string.h>

/* The shell's words in front of a text that it runs. */
static struct slice
in_shell(struct container_info *c, const json_t *shell, const char *text)
{
	json_t *words = json_array_size(shell) > 0 ? json_copy((json_t *) shell)
						   : json_pack("[ss]", "/bin/sh", "-c");
	struct slice ret = { NULL, 0 };

	if (words != NULL && json_array_append_new(words, json_string(text)) == 0)
		ret = container_words(c, words, CONTAINER_COMMAND_MAX);
	json_decref(words);
	return ret;
}

void
container_healthcheck(struct container_info *c, const json_t *check, const json_t *shell)
{
	const json_t *test = json_object_get(check, "Test");
	const char *how = json_string_value(json_array_get(test, 0)),
		   *text = json_string_value(json_array_get(test, 1));
	struct slice words = container_words(c, test, CONTAINER_COMMAND_MAX);

	if (how == NULL || words.n == 0)
		return;
	if (strcmp(how, "CMD-SHELL") == 0 && text != NULL)
		words = in_shell(c, shell, text);
	else if (strcmp(how, "CMD") == 0) /* the words behind it */
		words = (struct slice){ words.p + sizeof("CMD"), words.n - sizeof("CMD") };
	else if (strcmp(how, "NONE") != 0)
		return;
	if (words.n > 0)
		c->v[EVP_CONTAINER_INFO_healthcheck] = words;
}

static void
set_probe(struct container_info *c, unsigned param, const json_t *probe)
{
	const json_t *command = json_object_get(json_object_get(probe, "exec"), "command");

	if (json_array_size(command) > 0)
		c->v[param] = container_words(c, command, CONTAINER_COMMAND_MAX);
}

void
container_probes_applied(struct container_info *c, struct slice annotation)
{
	const json_t *pod = container_parse(c, annotation), *list;
	size_t i;
	json_t *one;

	list = json_object_get(json_object_get(pod, "spec"), "containers");
	json_array_foreach((json_t *) list, i, one)
	{
		if (!slice_eq(
			json_text(one, "name", NULL), c->v[EVP_CONTAINER_INFO_container_name]))
			continue;
		set_probe(
		    c, EVP_CONTAINER_INFO_liveness_probe, json_object_get(one, "livenessProbe"));
		set_probe(
		    c, EVP_CONTAINER_INFO_readiness_probe, json_object_get(one, "readinessProbe"));
	}
}
