/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape.h - an alert in the words of other systems: OCSF, ECS, CloudEvents, CEF and LEEF.
 *
 * shape_fields.def says where each field of rules goes. An alert has the fields that its rule's
 * output names, so a shape is as full as the rule is talkative. Values are escaped as each shape
 * requires: nothing that an event says ends a value, or adds a key. Any thread.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_SHAPE_H
#define MEWS_COLLECTOR_OUTPUT_SHAPE_H

#include "collector/alert/alert.h"
#include "common/buf.h"

/* Append an alert as one line without a newline; check buf_ok(). If the alert is not JSON, its
 * fields are missing. */

/* OCSF 1.5.0, Detection Finding, https://schema.ocsf.io/1.5.0/classes/detection_finding: JSON. */
void shape_ocsf(struct buf *b, const struct alert *a);
/* Elastic Common Schema 8.11, https://www.elastic.co/guide/en/ecs/8.11: JSON. */
void shape_ecs(struct buf *b, const struct alert *a);
/* CloudEvents 1.0, structured JSON, with Falco's JSON as its data. */
void shape_cloudevents(struct buf *b, const struct alert *a);
/* ArcSight Common Event Format, version 0. */
void shape_cef(struct buf *b, const struct alert *a);
/* IBM QRadar Log Event Extended Format 2.0, with tabs between attributes. */
void shape_leef(struct buf *b, const struct alert *a);

/* Write CloudEvents' source, "//CLUSTER/NODE", with other characters than a URI's escaped. */
void shape_source(const char *cluster, const char *node, char *ret, size_t size);

#define SHAPE_CE_TYPE "io.mews.alert.v1"
/* The schema of Falco's JSON as Mews writes it: deploy/schemas/alert.v1.json. */
#define SHAPE_SCHEMA "urn:mews:schema:alert:v1"

#endif
