/**
 * Types that Debian packages no source for: the aggregation API (kube-aggregator). Written from the published API reference,
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

/** The package of \`apiregistration.k8s.io/v1\`. */
export function aggregatorPackage(): GoPackage {
  const file = parseGoFile(aggregator)
  return {
    path: 'k8s.io/kube-aggregator/pkg/apis/apiregistration/v1',
    group: 'apiregistration.k8s.io',
    types: new Map(file.types.map((type) => [type.name, type])),
    constants: [],
    methods: [],
    registered: new Set(['APIService', 'APIServiceList']),
    importsOf: new Map(file.types.map((type) => [type.name, file.imports])),
  }
}
