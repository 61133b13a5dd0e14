import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGoFile } from './go-parser.ts'

const source = `/*
Licence text. type NotAType struct {
*/

// Package doc.
// +groupName=example.io
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types" // trailing
)

const GroupName = "example.io"

// +enum
type Colour string

const (
	// Red is warm.
	Red  Colour = "red // not a comment"
	Blue        = Colour(other.Blue)
	Ratio       = 3
)

type Alias = other.Thing

// +genclient
// +genclient:nonNamespaced

// Widget is a thing.
// +structType=atomic
type Widget struct {
	metav1.TypeMeta \`json:",inline"\`
	/*
	   nonsense Field string
	*/
	// +listType=map
	// +listMapKey=name

	// Parts are far from the markers above.
	// +optional
	Parts []Part \`json:"parts,omitempty" patchStrategy:"merge,retainKeys" patchMergeKey:"name" protobuf:"bytes,1"\` // more
	Label *string \`json:"label"\`
	hidden int32
}

type Empty struct{}

func (in Widget) OpenAPIModelName() string {
	return "io.example.v1.Widget"
}

func (_ Widget) OpenAPISchemaFormat() string { return "date-time" }

func addKnownTypes() {
	scheme.AddKnownTypes(v, &Widget{}, &WidgetList{})
}
`
const file = parseGoFile(source)

test('types, fields, tags and embedded structs are read', () => {
  assert.deepEqual(
    file.types.map((type) => type.name),
    ['Colour', 'Alias', 'Widget', 'Empty'],
  )
  const [typeMeta, parts, label, ...rest] = file.types.find((type) => type.name === 'Widget')!.fields!
  assert.equal(typeMeta!.embedded, true)
  assert.equal(typeMeta!.name, 'TypeMeta')
  assert.equal(typeMeta!.type, 'metav1.TypeMeta')
  assert.equal(parts!.type, '[]Part')
  assert.equal(parts!.tags.get('json'), 'parts,omitempty')
  assert.equal(parts!.tags.get('patchStrategy'), 'merge,retainKeys')
  assert.equal(label!.type, '*string')
  assert.deepEqual(rest, [], 'private fields never show in JSON')
  assert.deepEqual(file.types.at(-1)!.fields, [])
})

test('a field has the markers of its own comment only, a type those of the two blocks above', () => {
  const widget = file.types.find((type) => type.name === 'Widget')!
  assert.deepEqual(widget.fields![1]!.markers, ['optional'])
  assert.deepEqual(widget.markers, ['genclient', 'genclient:nonNamespaced', 'structType=atomic'])
})

test('constants keep their type, whether declared or converted, and follow to another name', () => {
  assert.deepEqual(file.constants, [
    { name: 'GroupName', type: '', value: 'example.io', reference: undefined },
    { name: 'Red', type: 'Colour', value: 'red // not a comment', reference: undefined },
    { name: 'Blue', type: 'Colour', value: '', reference: 'other.Blue' },
  ])
})

test('imports, aliases, constant methods, registered kinds and package markers are read', () => {
  assert.equal(file.imports.get('metav1'), 'k8s.io/apimachinery/pkg/apis/meta/v1')
  assert.equal(file.imports.get('types'), 'k8s.io/apimachinery/pkg/types')
  assert.equal(file.types[1]!.target, '= other.Thing')
  assert.deepEqual(file.methods, [
    { receiver: 'Widget', name: 'OpenAPIModelName', value: '"io.example.v1.Widget"' },
    { receiver: 'Widget', name: 'OpenAPISchemaFormat', value: '"date-time"' },
  ])
  assert.deepEqual(file.registered, ['Widget', 'WidgetList'])
  assert.ok(file.markers.includes('groupName=example.io'))
})

test('a field it cannot read is an error, not a silent gap', () => {
  assert.throws(() => parseGoFile('type A struct {\n\tB, C string `json:"b"`\n}\n'), /cannot read the struct field/)
})
