import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { Tool, valueOf } from '../../src/icewarp/tool.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

describe('the answers of tool', () => {
  it('are cut at the first ": " only', () => {
    expect(valueOf('C_Path', 'C_Path: C:\\Program Files: x\\')).toBe('C:\\Program Files: x\\');
  });

  it('may be empty', () => {
    expect(valueOf('C_X', 'C_X: ')).toBe('');
    expect(valueOf('C_X', 'C_X:')).toBe('');
  });

  it('may have several lines and end with CRLF', () => {
    expect(valueOf('C_License_XML', 'c_license_xml: <a>\r\n  <b/>\r\n</a>\r\n')).toBe('<a>\n  <b/>\n</a>');
  });

  it('are refused when they are about something else', () => {
    expect(() => valueOf('C_X', 'C_Y: 1')).toThrow(expect.objectContaining({ code: 'TOOL_FAILED' }));
  });
});

describe('tool', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let tool: Tool;

  beforeEach(async () => {
    context = await testContext();
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), { C_A: 'one' });
    tool = new Tool(icewarp.directory, context.signal);
  });
  afterEach(() => context.remove());

  it('tells a variable that this version does not have from a server that cannot answer', async () => {
    expect(await tool.find('C_None')).toBeUndefined();
    await writeFile(join(icewarp.directory, 'tool.sh'), '#!/bin/sh\nexit 1\n');
    await expect(tool.find('C_None')).rejects.toMatchObject({ code: 'TOOL_FAILED' });
  });

  it('passes a value as one argument, whatever is in it', async () => {
    await tool.set('C_A', 'db;user;p a"s\'s$x;host;3;2');
    expect(await tool.get('C_A')).toBe('db;user;p a"s\'s$x;host;3;2');
  });

  it('never has a value in its errors, nor the output that repeats it', async () => {
    await writeFile(join(icewarp.directory, 'refuse'), '');
    const error = await tool.set('C_A', 'canary-value').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'TOOL_FAILED' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
  });

  it('says whether it created something or found it', async () => {
    expect(await tool.create('account', 'a@example.com', { U_Password: 'good-1' })).toBe(true);
    expect(await tool.create('account', 'a@example.com', { U_Password: 'good-1' })).toBe(false);
  });

  it('says that a password policy refused an account', async () => {
    const refused = tool.create('account', 'a@example.com', { U_Password: 'weak' });
    await expect(refused).rejects.toMatchObject({ code: 'PASSWORD_POLICY', retryable: false });
  });

  it('is not even started on a shared configuration that is empty: it would write defaults', async () => {
    await writeFile(join(icewarp.directory, 'path.dat'), `${context.folder}/share/config/\n`);
    await expect(tool.find('C_A')).rejects.toMatchObject({ code: 'CONFIG_EMPTY' });
    expect(await icewarp.calls()).toEqual(['']);
  });
});
