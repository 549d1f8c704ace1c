// Says what is wrong with objects of KEDA, Prometheus operator, Gateway API and External Secrets.
//
// In: a JSON array of objects. Out: a JSON array with a list of problems for each. The packages are made from those
// projects' own Go types. Their declarations find what no type has (a mistyped field, deep down as well), their
// validators what a type cannot say (patterns, lengths, bounds).
import { readFileSync } from "node:fs";
import ts from "typescript";

const PACKAGES = {
  "external-secrets.io": "external-secrets",
  "gateway.networking.k8s.io": "gateway-api",
  "keda.sh": "keda",
  "monitoring.coreos.com": "prometheus-operator",
};
const FILE = new URL("objects.ts", import.meta.url).pathname;

const objects = JSON.parse(readFileSync(0, "utf8"));
const problems = objects.map(() => []);
const places = objects.map(({ apiVersion, kind }, index) => {
  const found = PACKAGES[apiVersion.split("/")[0]];
  if (found === undefined) {
    problems[index].push(`nothing is known of ${apiVersion}`);
    return undefined;
  }
  return { module: `@kubernetes-models/${found}/${apiVersion}/${kind}`, kind };
});

// One statement a line: the line of a complaint tells the object.
const lines = objects.map((object, index) =>
  places[index] === undefined
    ? ""
    : `const o${index}: import("${places[index].module}").I${places[index].kind} = ${JSON.stringify(object)};`,
);
const options = {
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: [],
};
const host = ts.createCompilerHost(options);
const { getSourceFile, fileExists } = host;
host.fileExists = (name) => name === FILE || fileExists(name);
host.getSourceFile = (name, ...rest) =>
  name === FILE
    ? ts.createSourceFile(name, `${lines.join("\n")}\nexport {};\n`, ts.ScriptTarget.ES2022, true)
    : getSourceFile(name, ...rest);
for (const each of ts.getPreEmitDiagnostics(ts.createProgram([FILE], options, host))) {
  const text = ts.flattenDiagnosticMessageText(each.messageText, ": ");
  if (each.file === undefined) throw new Error(text);
  const { line } = each.file.getLineAndCharacterOfPosition(each.start);
  problems[line].push(text);
}

for (const [index, place] of places.entries()) {
  if (place === undefined) continue;
  try {
    const { [place.kind]: Model } = await import(place.module);
    new Model(objects[index]).validate();
  } catch (error) {
    problems[index].push(error.message);
  }
}
process.stdout.write(JSON.stringify(problems));
