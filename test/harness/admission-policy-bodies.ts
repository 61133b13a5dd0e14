const apiVersion = 'admissionregistration.k8s.io/v1'

/** Policies about nothing that there is, and what would put them into force. */
export function admissionPolicyBodies(name: string) {
  const resourceRules = [{ apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['things'], operations: ['CREATE'] }]
  const matchConstraints = { resourceRules }
  const expression = 'Object{spec: Object.spec{count: 1}}'
  return {
    validating: {
      ...{ apiVersion, kind: 'ValidatingAdmissionPolicy', metadata: { name } },
      spec: { matchConstraints, validations: [{ expression: 'object.spec.count < 5' }] },
    },
    validatingBinding: {
      ...{ apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name } },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
    mutating: {
      ...{ apiVersion, kind: 'MutatingAdmissionPolicy', metadata: { name } },
      spec: {
        matchConstraints,
        reinvocationPolicy: 'Never',
        mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
      },
    },
    mutatingBinding: { apiVersion, kind: 'MutatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name } },
  }
}
