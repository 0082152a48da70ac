"""The pages behind the links in emails: plain HTML that fits a phone, without script, cookie or foreign content.

A GET only shows a page, and a POST acts: mail scanners follow every link, but press no button.
"""
