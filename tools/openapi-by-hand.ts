/**
 * Types that Debian packages no source for: the aggregation API (kube-aggregator) and the metrics API (k8s.io/metrics). Written from the published API reference,
 * as the same Go-like facts that the parser would have found, so that everything after it treats them alike.
 */
import { parseGoFile } from './go-parser.ts'
import type { GoPackage } from './openapi-source.ts'

const aggregator = `
import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:nonNamespaced
type APIService struct {
	metav1.TypeMeta \`json:",inline"\`
	// +optional
	metav1.ObjectMeta \`json:"metadata,omitempty"\`
	// +optional
	Spec APIServiceSpec \`json:"spec,omitempty"\`
	// +optional
	Status APIServiceStatus \`json:"status,omitempty"\`
}

type APIServiceList struct {
	metav1.TypeMeta \`json:",inline"\`
	// +optional
	metav1.ListMeta \`json:"metadata,omitempty"\`
	Items []APIService \`json:"items"\`
}

type APIServiceSpec struct {
	// +optional
	Service *ServiceReference \`json:"service,omitempty"\`
	// +optional
	Group string \`json:"group,omitempty"\`
	// +optional
	Version string \`json:"version,omitempty"\`
	InsecureSkipTLSVerify bool \`json:"insecureSkipTLSVerify,omitempty"\`
	// +optional
	// +listType=atomic
	CABundle []byte \`json:"caBundle,omitempty"\`
	GroupPriorityMinimum int32 \`json:"groupPriorityMinimum"\`
	VersionPriority int32 \`json:"versionPriority"\`
}

type ServiceReference struct {
	// +optional
	Namespace string \`json:"namespace,omitempty"\`
	// +optional
	Name string \`json:"name,omitempty"\`
	// +optional
	Port *int32 \`json:"port,omitempty"\`
}

type APIServiceStatus struct {
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []APIServiceCondition \`json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"\`
}

type APIServiceCondition struct {
	Type string \`json:"type"\`
	Status string \`json:"status"\`
	// +optional
	LastTransitionTime metav1.Time \`json:"lastTransitionTime,omitempty"\`
	// +optional
	Reason string \`json:"reason,omitempty"\`
	// +optional
	Message string \`json:"message,omitempty"\`
}
`

const metrics = `
import v1 "k8s.io/api/core/v1"
import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +resourceName=nodes
// +genclient:readonly
// +genclient:nonNamespaced
// +genclient:onlyVerbs=get,list
type NodeMetrics struct {
	metav1.TypeMeta \`json:",inline"\`
	metav1.ObjectMeta \`json:"metadata,omitempty"\`
	Timestamp metav1.Time \`json:"timestamp"\`
	Window metav1.Duration \`json:"window"\`
	Usage v1.ResourceList \`json:"usage"\`
}

type NodeMetricsList struct {
	metav1.TypeMeta \`json:",inline"\`
	metav1.ListMeta \`json:"metadata,omitempty"\`
	Items []NodeMetrics \`json:"items"\`
}

// +genclient
// +resourceName=pods
// +genclient:onlyVerbs=get,list
type PodMetrics struct {
	metav1.TypeMeta \`json:",inline"\`
	metav1.ObjectMeta \`json:"metadata,omitempty"\`
	Timestamp metav1.Time \`json:"timestamp"\`
	Window metav1.Duration \`json:"window"\`
	// +listType=atomic
	Containers []ContainerMetrics \`json:"containers"\`
}

type PodMetricsList struct {
	metav1.TypeMeta \`json:",inline"\`
	metav1.ListMeta \`json:"metadata,omitempty"\`
	Items []PodMetrics \`json:"items"\`
}

type ContainerMetrics struct {
	Name string \`json:"name"\`
	Usage v1.ResourceList \`json:"usage"\`
}
`

/** The packages written by hand: `apiregistration.k8s.io/v1` and `metrics.k8s.io/v1beta1`. */
export function packagesByHand(): GoPackage[] {
  return [
    byHand(aggregator, {
      ...{ path: 'k8s.io/kube-aggregator/pkg/apis/apiregistration/v1', group: 'apiregistration.k8s.io' },
      kinds: ['APIService', 'APIServiceList'],
    }),
    byHand(metrics, {
      ...{ path: 'k8s.io/metrics/pkg/apis/metrics/v1beta1', group: METRICS_GROUP },
      kinds: ['NodeMetrics', 'NodeMetricsList', 'PodMetrics', 'PodMetricsList'],
    }),
  ]
}

/** A group that upstream's own API server does not serve, and its official document therefore does not know. */
export const METRICS_GROUP = 'metrics.k8s.io'

function byHand(text: string, { path, group, kinds }: { path: string; group: string; kinds: string[] }): GoPackage {
  const file = parseGoFile(text)
  return {
    ...{ path, group, constants: [], methods: [] },
    types: new Map(file.types.map((type) => [type.name, type])),
    registered: new Set(kinds),
    importsOf: new Map(file.types.map((type) => [type.name, file.imports])),
  }
}
