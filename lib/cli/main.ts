#!/usr/bin/env node
/**
 * The program that is installed as `memmap`.
 */
import { run } from './run.js'

void run(process.argv.slice(2))
