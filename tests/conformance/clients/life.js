// Copyright: hybridvm.checkpoints contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A checkpoint's life by datajs: list, POST, MERGE, GET, DELETE, and an error. A line of JSON for each step.
// Arguments: the path of datajs. Environment: SPF_ROOT, SPF_AUTH, SPF_VM, SPF_STAMP, SPF_CONTROL.
"use strict";
const https = require("https");
const { URL } = require("url");
const OData = require(process.argv[2]).OData || global.OData;
const env = process.env;

function send(url, method, headers, body) {
  return new Promise((resolve, reject) => {
    const request = https.request(new URL(url), { method, headers }, (answer) => {
      let text = "";
      answer.on("data", (part) => { text += part; });
      answer.on("end", () => resolve({ requestUri: url, statusCode: answer.statusCode, headers: answer.headers, body: text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

// datajs looks its headers up by their usual spelling.
function spelled(headers) {
  const made = {};
  for (const [name, value] of Object.entries(headers)) {
    made[name === "dataserviceversion" ? "DataServiceVersion" : name.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase())] = value;
  }
  return made;
}

OData.defaultHttpClient = {
  request(request, success, error) {
    const headers = Object.assign({}, request.headers, { Authorization: env.SPF_AUTH, "x-ms-principal-id": "datajs" });
    send(request.requestUri, request.method, headers, request.body).then((answer) => {
      answer.headers = spelled(answer.headers);
      if (answer.statusCode >= 200 && answer.statusCode < 300) {
        success(answer);
      } else {
        error({ message: "HTTP request failed", request, response: answer });
      }
    }, error);
    return { abort() {} };
  },
};

function ask(request) {
  return new Promise((resolve, reject) => OData.request(request, (data, answer) => resolve({ data, answer }), reject));
}

function tell(step, value) {
  process.stdout.write(JSON.stringify({ step, value }) + "\n");
}

async function settle() {
  await send(`${env.SPF_CONTROL}/clock`, "POST", { "Content-Type": "application/json" }, JSON.stringify({ advance: 3600 }));
}

async function main() {
  const set = `${env.SPF_ROOT}/VMCheckPoints`;
  const listed = await ask({ requestUri: set });
  tell("list", listed.data.results.map((row) => row.Name));
  const data = { StampId: env.SPF_STAMP, VMId: env.SPF_VM, Name: "by datajs", Description: "verbose" };
  const made = await ask({ requestUri: set, method: "POST", data });
  tell("create", [made.answer.statusCode, made.data.Name, made.data.__metadata.type]);
  await settle();
  const uri = made.data.__metadata.uri;
  const merged = await ask({ requestUri: uri, method: "MERGE", data: { VMCheckPointAction: "Restore" } });
  tell("restore", merged.answer.statusCode);
  await settle();
  const read = await ask({ requestUri: uri });
  tell("read", [read.data.Name, read.data.Description]);
  const gone = await ask({ requestUri: uri, method: "DELETE" });
  tell("delete", gone.answer.statusCode);
  await settle();
  const refused = await ask({ requestUri: uri }).then(() => null, (error) => error.response);
  tell("error", [refused.statusCode, typeof JSON.parse(refused.body).error.message.value]);
}

main().catch((error) => {
  process.stderr.write(`${error.stack || error.message || JSON.stringify(error)}\n`);
  process.exit(1);
});
