"""The cases of the Open Responses suite, as tests of ours."""
