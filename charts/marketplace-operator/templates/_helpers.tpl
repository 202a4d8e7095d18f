{{- define "operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "operator.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "operator.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "operator.selector" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: marketplace-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The name of an image: (dict "image" .Values.image "version" .Chart.AppVersion) */}}
{{- define "operator.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .version }}
{{- end -}}
{{- end -}}

{{/* Everything that the operator may do. Each rule names the call that needs it. */}}
{{- define "operator.rules" -}}
# watch.rs: the add-ons themselves
- apiGroups: [marketplace-operator.dev]
  resources: [marketplaceaddons]
  verbs: [list, watch]
# report.rs: the conditions of an add-on, by server-side apply
- apiGroups: [marketplace-operator.dev]
  resources: [marketplaceaddons/status]
  verbs: [patch]
# dereference/secrets.rs gets the Secrets that an add-on names; apply.rs gets, creates and patches the copy of the named
# keys. Never list or watch.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, patch]
  {{- with .Values.rbac.secretNames }}
  resourceNames: {{ toYaml . | nindent 4 }}
  {{- end }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
# apply.rs: get before the first write, create and patch by server-side apply; watch.rs: list and watch;
# prune.rs: list, and delete what the spec no longer names
- apiGroups: [""]
  resources: [configmaps, persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
# the same for what routes requests to an add-on, where it declares it; dereference/routing.rs gets the Ingress and lists the
# routes, whose status says whether they are carried
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
# the same for children that every add-on has, which therefore go only with it, by garbage collection
- apiGroups: [""]
  resources: [serviceaccounts, services]
  verbs: [get, list, watch, create, patch]
# of workers, which go when the spec no longer wants any, prune.rs deletes these too
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# dereference/scalers.rs lists them too; where there is no KEDA, the rule allows nothing
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, list, watch, create, patch, delete]
# the same for what tells the Prometheus Operator of an add-on; dereference/monitoring.rs lists them
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors, prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
# dereference/workload.rs lists the pods of an add-on that is not available, tokens.rs those that are to be asked for their
# tokens; watch.rs watches for their changes
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# report.rs: Events; patch counts one that repeats
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
