import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGoFile } from './go-parser.ts'
import { FactReader, type FieldFacts, GoUniverse } from './openapi-facts.ts'
import { pluralOf, resourcesOf } from './openapi-resources.ts'
import type { GoPackage } from './openapi-source.ts'

function goPackage(path: string, group: string | undefined, source: string): GoPackage {
  const file = parseGoFile(source)
  return {
    path,
    group,
    types: new Map(file.types.map((type) => [type.name, type])),
    constants: file.constants,
    methods: file.methods,
    registered: new Set(file.registered),
    importsOf: new Map(file.types.map((type) => [type.name, file.imports])),
  }
}

const base = goPackage(
  'k8s.io/base',
  undefined,
  `
type Time struct {
	time.Time
}

func (_ Time) OpenAPISchemaType() []string { return []string{"string"} }

func (_ Time) OpenAPISchemaFormat() string { return "date-time" }

type Inner struct {
	Deep string \`json:"deep"\`
}
`,
)
const example = goPackage(
  'k8s.io/api/example/v1',
  'example.io',
  `
import base "k8s.io/base"

// +enum
type Mode string

const (
	ModeB Mode = "B"
	ModeA Mode = "A b"
)

// +genclient
// +genclient:skipVerbs=deleteCollection
// +genclient:method=GetScale,verb=get,subresource=scale,result=k8s.io/api/autoscaling/v1.Scale
type Gadget struct {
	base.Inner \`json:",inline"\`
	Omitted string \`json:"omitted,omitempty"\`
	Plain string \`json:"plain"\`
	Struct base.Inner \`json:"struct,omitempty"\`
	Pointer *base.Inner \`json:"pointer,omitempty"\`
	Zero base.Time \`json:"zero,omitempty,omitzero"\`
	// +optional
	List []Mode \`json:"list"\`
	// +required
	Wanted *int64 \`json:"wanted,omitempty"\`
	Map map[string][]byte \`json:"map,omitempty"\`
	Secret string \`json:"-"\`
	// +default=ref(ModeB)
	Mode Mode \`json:"mode,omitempty"\`
	Status base.Inner \`json:"status,omitempty"\`
}

type Copy Gadget

func register() {
	add(&Gadget{}, &Old{})
}

// +genclient
type Old struct {
	Deep string \`json:"deep"\`
}

func (in *Old) APILifecycleRemoved() (major, minor int) {
	return 1, 36
}
`,
)
const universe = new GoUniverse([base, example])
const gadget = new FactReader(universe).definition(example, example.types.get('Gadget')!)!
const field = (name: string): FieldFacts => gadget.fields.find((each) => each.name === name)!

test('required: markers decide, then omitempty', () => {
  assert.deepEqual(
    gadget.fields.filter((each) => each.required).map((each) => each.name),
    ['deep', 'plain', 'wanted'],
  )
})

test('always emitted: no omitempty, or a struct by value; never with omitzero', () => {
  assert.deepEqual(
    gadget.fields.filter((each) => each.alwaysEmitted).map((each) => each.name),
    ['deep', 'plain', 'struct', 'list', 'status'],
  )
  assert.equal(field('pointer').pointer, true)
})

test('types: references, scalars, lists, maps; inline structs are flattened and json "-" is left out', () => {
  assert.equal(gadget.name, 'io.k8s.api.example.v1.Gadget')
  assert.equal(field('deep').type.kind, 'scalar')
  assert.deepEqual(field('zero').type, { kind: 'ref', definition: 'io.k8s.base.Time' })
  assert.deepEqual(field('map').type, { kind: 'map', of: { kind: 'scalar', name: 'bytes' } })
  assert.deepEqual(field('wanted').type, { kind: 'scalar', name: 'int64' })
  assert.ok(!gadget.fields.some((each) => each.name === 'secret' || each.name === 'Secret'))
})

test('enums are sorted and reach through lists; a named default becomes its value', () => {
  assert.deepEqual(field('list').enum, ['A b', 'B'])
  assert.equal(field('mode').default, '"B"')
})

test('a type made from a struct has the fields of that struct under its own name', () => {
  const copy = new FactReader(universe).definition(example, example.types.get('Copy')!)!
  assert.equal(copy.name, 'io.k8s.api.example.v1.Copy')
  assert.equal(copy.fields.length, gadget.fields.length)
})

test('a reference to a type that is not there is an error', () => {
  const broken = goPackage('k8s.io/broken', undefined, 'type A struct {\n\tB Missing `json:"b"`\n}\n')
  const reader = new FactReader(new GoUniverse([broken]))
  assert.throws(() => reader.definition(broken, broken.types.get('A')!), /uses Missing, which is not among the sources/)
})

test('resources: scope, verbs and subresources from the client markers; removed kinds are left out', () => {
  const [resource, ...others] = resourcesOf(universe, example, 36)
  assert.deepEqual(others, [], 'Old was removed in this release')
  assert.equal(resource!.plural, 'gadgets')
  assert.equal(resource!.namespaced, true)
  assert.deepEqual(resource!.verbs, ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'])
  assert.deepEqual(
    resource!.subresources.map((each) => `${each.name} ${each.apiVersion}/${each.kind} ${each.verbs.join()}`),
    ['scale autoscaling/v1/Scale get,patch,update', 'status example.io/v1/Gadget get,patch,update'],
  )
  assert.deepEqual(
    resourcesOf(universe, example, 35).map((each) => each.kind),
    ['Gadget', 'Old'],
  )
})

test('plurals', () => {
  const plurals = ['Pod', 'Endpoints', 'NetworkPolicy', 'Ingress', 'StorageClass', 'Gateway', 'IPAddress', 'Patch'].map(pluralOf)
  assert.deepEqual(plurals, ['pods', 'endpoints', 'networkpolicies', 'ingresses', 'storageclasses', 'gateways', 'ipaddresses', 'patches'])
})
