import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const FEATURE_BOUNDARY =
  "A feature is closed: it takes shared things from @/app or @huitong/kit, and no other feature.";

export default tseslint.config(
  { ignores: ["**/node_modules", "**/*.d.ts", "eslint.config.js", "customer/public"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
  },
  {
    files: ["**/*.{ts,tsx}"],
    plugins: { "react-hooks": reactHooks, "jsx-a11y": jsxA11y },
    rules: {
      ...reactHooks.configs.recommended.rules,
      ...jsxA11y.flatConfigs.strict.rules,
      eqeqeq: "error",
      "max-lines": ["error", { max: 250 }],
      "no-restricted-globals": [
        "error",
        { name: "parseFloat", message: "Money is whole minor units: use the kit's money." },
      ],
      "no-restricted-properties": [
        "error",
        { property: "toFixed", message: "Money is whole minor units: use the kit's money." },
        { object: "Number", property: "parseFloat", message: "Use the kit's money." },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["*/src/features/**/*.{ts,tsx}"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["@/features/*", "../*"], message: FEATURE_BOUNDARY }] },
      ],
    },
  },
  {
    files: ["kit/src/**/*.{ts,tsx}"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["@/*"], message: "The kit knows neither app." }] },
      ],
    },
  },
);
