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
	metav1.ObjectMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt"\`
	// +optional
	Spec APIServiceSpec \`json:"spec,omitempty" protobuf:"bytes,2,opt"\`
	// +optional
	Status APIServiceStatus \`json:"status,omitempty" protobuf:"bytes,3,opt"\`
}

type APIServiceList struct {
	metav1.TypeMeta \`json:",inline"\`
	// +optional
	metav1.ListMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt"\`
	Items []APIService \`json:"items" protobuf:"bytes,2,opt"\`
}

type APIServiceSpec struct {
	// +optional
	Service *ServiceReference \`json:"service,omitempty" protobuf:"bytes,1,opt"\`
	// +optional
	Group string \`json:"group,omitempty" protobuf:"bytes,2,opt"\`
	// +optional
	Version string \`json:"version,omitempty" protobuf:"bytes,3,opt"\`
	InsecureSkipTLSVerify bool \`json:"insecureSkipTLSVerify,omitempty" protobuf:"varint,4,opt"\`
	// +optional
	// +listType=atomic
	CABundle []byte \`json:"caBundle,omitempty" protobuf:"bytes,5,opt"\`
	GroupPriorityMinimum int32 \`json:"groupPriorityMinimum" protobuf:"varint,7,opt"\`
	VersionPriority int32 \`json:"versionPriority" protobuf:"varint,8,opt"\`
}

type ServiceReference struct {
	// +optional
	Namespace string \`json:"namespace,omitempty" protobuf:"bytes,1,opt"\`
	// +optional
	Name string \`json:"name,omitempty" protobuf:"bytes,2,opt"\`
	// +optional
	Port *int32 \`json:"port,omitempty" protobuf:"varint,3,opt"\`
}

type APIServiceStatus struct {
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []APIServiceCondition \`json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,1,opt"\`
}

type APIServiceCondition struct {
	Type string \`json:"type" protobuf:"bytes,1,opt"\`
	Status string \`json:"status" protobuf:"bytes,2,opt"\`
	// +optional
	LastTransitionTime metav1.Time \`json:"lastTransitionTime,omitempty" protobuf:"bytes,3,opt"\`
	// +optional
	Reason string \`json:"reason,omitempty" protobuf:"bytes,4,opt"\`
	// +optional
	Message string \`json:"message,omitempty" protobuf:"bytes,5,opt"\`
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
	metav1.ObjectMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt"\`
	Timestamp metav1.Time \`json:"timestamp" protobuf:"bytes,2,opt"\`
	Window metav1.Duration \`json:"window" protobuf:"bytes,3,opt"\`
	Usage v1.ResourceList \`json:"usage" protobuf:"bytes,4,opt"\`
}

type NodeMetricsList struct {
	metav1.TypeMeta \`json:",inline"\`
	metav1.ListMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt"\`
	Items []NodeMetrics \`json:"items" protobuf:"bytes,2,opt"\`
}

// +genclient
// +resourceName=pods
// +genclient:onlyVerbs=get,list
type PodMetrics struct {
	metav1.TypeMeta \`json:",inline"\`
	metav1.ObjectMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt"\`
	Timestamp metav1.Time \`json:"timestamp" protobuf:"bytes,2,opt"\`
	Window metav1.Duration \`json:"window" protobuf:"bytes,3,opt"\`
	// +listType=atomic
	Containers []ContainerMetrics \`json:"containers" protobuf:"bytes,4,opt"\`
}

type PodMetricsList struct {
	metav1.TypeMeta \`json:",inline"\`
	metav1.ListMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt"\`
	Items []PodMetrics \`json:"items" protobuf:"bytes,2,opt"\`
}

type ContainerMetrics struct {
	Name string \`json:"name" protobuf:"bytes,1,opt"\`
	Usage v1.ResourceList \`json:"usage" protobuf:"bytes,2,opt"\`
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
