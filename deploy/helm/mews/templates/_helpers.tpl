{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "mews.name" -}}
{{ contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* The names that reach the collector inside of the cluster; the first is what sensors are told. */}}
{{- define "mews.host" -}}
{{ include "mews.name" . }}-collector.{{ .Release.Namespace }}.svc
{{- end }}
{{- define "mews.collector" -}}
{{ .Values.externalCollector.address | default (printf "tls+tcp://%s:7443" (include "mews.host" .)) }}
{{- end }}
{{- define "mews.here" -}}{{ if not .Values.externalCollector.address }}yes{{ end }}{{- end }}

{{/* What selects the pods of a part: dict "of" $ "part" NAME */}}
{{- define "mews.selector" -}}
app.kubernetes.io/name: {{ .of.Chart.Name }}
app.kubernetes.io/instance: {{ .of.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}
{{- define "mews.labels" -}}
{{ include "mews.selector" . }}
app.kubernetes.io/version: {{ .of.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .of.Release.Service }}
helm.sh/chart: {{ .of.Chart.Name }}-{{ .of.Chart.Version }}
{{- end }}
{{- define "mews.metadata" -}}
name: {{ include "mews.name" .of }}-{{ .part }}
namespace: {{ .of.Release.Namespace }}
labels: {{- include "mews.labels" . | nindent 2 }}
{{- end }}

{{- define "mews.image" -}}
{{- with .of.Values.image -}}
{{ list .registry .repository (printf "mews-%s" $.part) | compact | join "/" }}:{{ .tag | default $.of.Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* The placement of a pod: values of sensor or collector. */}}
{{- define "mews.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "mews.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .storageClass }}
storageClassName: {{ . }}
{{- end }}
resources: { requests: { storage: {{ .size }} } }
{{- end }}
