// Lint of the JavaScript of figures, quizzes and the book; run by `npm run lint`.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["_build/**", ".venv/**", "node_modules/**"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "eqeqeq": "error",
      "no-shadow-restricted-names": "error",
      "no-unused-expressions": ["error", { allowTernary: true, allowShortCircuit: true }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
];
