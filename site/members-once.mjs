// A plugin of typedoc: the page describes the members of Mapping once, in the class.
//
// Mapping implements an interface for each capability, and the doc comments stand in the interfaces. typedoc copies the comments
// to the members of the class, and would describe each member a second time in its interface. This plugin leaves the interfaces
// with a list of their members that refers to the class.

import { Converter } from 'typedoc'

// Runs after the resolvers of typedoc, which copy the doc comments.
const LAST = -10_000

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, describeOnce, LAST)
}

/** @param {import('typedoc').Context} context */
function describeOnce({ project }) {
  const mapping = project.getChildByName('Mapping')
  for (const { reflection } of mapping.implementedTypes) {
    reflection.comment.summary.push(...listMembers(reflection, mapping))
    for (const member of reflection.children.toReversed()) project.removeReflection(member)
    delete reflection.groups
  }
  for (const member of mapping.children) {
    // typedoc gives a getter the comment twice: as the comment of the property too.
    if (member.getSignature?.comment) delete member.comment
    for (const part of [member, member.getSignature, ...(member.signatures ?? [])]) delete part?.implementationOf
  }
}

/**
 * @param {import('typedoc').DeclarationReflection} capability
 * @param {import('typedoc').DeclarationReflection} mapping
 * @returns {import('typedoc').CommentDisplayPart[]}
 */
function listMembers(capability, mapping) {
  const names = capability.children.map(({ name, signatures }) => `\`${name}${signatures ? '()' : ''}\``)
  return [
    { kind: 'text', text: '\n\nMembers, described in ' },
    { kind: 'inline-tag', tag: '@link', text: 'Mapping', target: mapping },
    { kind: 'text', text: `: ${names.join(', ')}.` },
  ]
}
