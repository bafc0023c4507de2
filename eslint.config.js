// Lint: typescript-eslint's strict, type-checked rules, plus what keeps the pure folders pure.
import tseslint from "typescript-eslint"

/** Folders that decide and never do: no clock, randomness, socket, file, timer or log. */
const pure = [
  "src/yang/**",
  "src/netconf/**",
  "src/restconf/**",
  "src/model/**",
  "src/engine/**",
  "src/core/**",
  "src/plan/**",
  "src/keys/**",
]

export default tseslint.config(
  {
    ignores: [
      "dist/",
      "coverage/",
      ".cache/",
      ".keyloom/",
      "node_modules/",
      "scripts/",
      "bin/",
      "eslint.config.js",
      "examples/**/*.js",
      "**/*.cjs",
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Numbers are printed everywhere in messages; the rest of the rule stays.
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      "no-console": "error",
    },
  },
  {
    files: pure,
    rules: {
      "no-restricted-globals": [
        "error",
        "setTimeout",
        "setInterval",
        "setImmediate",
        "fetch",
        "process",
        "performance",
      ],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "time is an argument here" },
        { object: "Math", property: "random", message: "randomness is an argument here" },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: "time is an argument here",
        },
      ],
    },
  },
  {
    files: ["src/cli/**", "src/main.ts", "bench/**", "examples/**"],
    rules: { "no-console": "off" },
  },
  {
    files: ["test/**"],
    // Notices of what was skipped and what was measured are printed between the tests.
    rules: { "@typescript-eslint/no-unused-expressions": "off", "no-console": "off" },
  },
)
